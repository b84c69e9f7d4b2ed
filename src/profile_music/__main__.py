"""`python -m profile_music`."""

from profile_music.cli import main

if __name__ == "__main__":
    main()
