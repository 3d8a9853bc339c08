# One image for the command line, the worker and the functions; docs/install.md says how each is run.
# `.ci/images` writes the digest behind the tag of each base, and a release is refused without it.
FROM python:3.13-slim AS build
COPY .ci/requirements-image.txt /build/
RUN python -m venv --without-pip /opt/setpoint \
 && pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes --prefix /opt/setpoint -r /build/requirements-image.txt \
 && printf '%s\n' '#!/opt/setpoint/bin/python' 'from setpoint.cli import main' 'main()' > /opt/setpoint/bin/setpoint \
 && chmod 0755 /opt/setpoint/bin/setpoint

FROM python:3.13-slim
COPY --from=build /opt/setpoint /opt/setpoint
COPY LICENSE NOTICE /app/
COPY shared/setpoint /app/shared/setpoint
COPY functions /app/functions
ENV PATH=/opt/setpoint/bin:$PATH PYTHONPATH=/app/shared PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /work
USER 10001:10001
ENTRYPOINT ["setpoint"]
CMD ["--help"]
