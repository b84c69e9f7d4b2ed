"""AWS Lambda: three handlers in one image.

`profile_music.aws.emotion.handler` and `profile_music.aws.songs.handler` are the mission's two functions, one JSON
object in and one out; `profile_music.aws.http.handler` serves the whole HTTP API behind API Gateway or a Function URL.
The name `handler` is made when it is first asked for, which Lambda does in its init phase: models and catalogue load
there, and importing a module still does no work.
"""
