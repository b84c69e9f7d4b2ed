# Lambda image: one image, three handlers (profile_music.aws.{http,emotion,songs}.handler).
# Build from the repository's root: docker build -f deploy/lambda.Dockerfile -t profile-music-lambda .
# Python 3.12 and later stand on Amazon Linux 2023; onnxruntime's wheels need its glibc (2.28 or later).
FROM public.ecr.aws/lambda/python:3.13 AS build
WORKDIR /build
COPY requirements/lambda.txt requirements/build.txt requirements/
RUN python -m pip install --no-cache-dir --require-hashes --target /task -r requirements/lambda.txt \
    && python -m pip install --no-cache-dir --require-hashes --target /build/tools -r requirements/build.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN PYTHONPATH=/build/tools python -m pip install --no-cache-dir --no-deps --no-build-isolation --target /task .

FROM public.ecr.aws/lambda/python:3.13
COPY --from=build /task ${LAMBDA_TASK_ROOT}
# Only /tmp can be written on Lambda. There are no pydantic plugins; looking for them costs 70 ms of every cold start.
ENV PROFILE_MUSIC_CACHE_DIR=/tmp/profile-music \
    PROFILE_MUSIC_THREADS=1 \
    PYDANTIC_DISABLE_PLUGINS=__all__
WORKDIR ${LAMBDA_TASK_ROOT}
# The runtime client of the lock, the one that the tests run, not the base image's.
ENTRYPOINT ["python", "-m", "awslambdaric"]
CMD ["profile_music.aws.http.handler"]
