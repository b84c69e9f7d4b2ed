"""Korean text: cleaning, sentences, encoders, mood."""
