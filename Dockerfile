# Cupola's daemon in a container; see docs/daemon.md.
#   docker build --tag cupola .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD/proxima:/data" cupola config init     # then edit proxima/config.yaml
#   docker run --detach --user "$(id -u):$(id -g)" --name cupola --restart unless-stopped --volume "$PWD/proxima:/data" cupola

# the Python that the tests ran with, as constraints.txt pins the packages
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/cupola
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE config.yaml ./
COPY docs/schema.md docs/
COPY scraper scraper
COPY storage storage
COPY jobs jobs
RUN /opt/cupola/bin/pip install --no-cache-dir --disable-pip-version-check \
        --constraint constraints.txt ".[postgresql,notify]" \
    && /opt/cupola/bin/python -m compileall -q /opt/cupola

FROM python:3.11-slim
LABEL org.opencontainers.image.title="Cupola" \
      org.opencontainers.image.description="Archives what a space mission publishes" \
      org.opencontainers.image.licenses="MIT AND CC-BY-SA-4.0"
# numbers, so that a volume can be given to them; a folder of the host is its owner's (docker run --user)
RUN groupadd --gid 1000 cupola \
    && useradd --uid 1000 --gid 1000 --no-create-home --home-dir /data --shell /usr/sbin/nologin cupola \
    && install --directory --owner 1000 --group 1000 /data
COPY --from=build /opt/cupola /opt/cupola
ENV PATH=/opt/cupola/bin:$PATH \
    CUPOLA_CONFIG=/data/config.yaml \
    PYTHONDONTWRITEBYTECODE=1
USER 1000:1000
# config.yaml and the archive beside it; everything else may be read-only (docker run --read-only --tmpfs /tmp)
WORKDIR /data
VOLUME /data
# the post in hand is finished, within 10 s: give it 20 (docker stop --time 20)
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5m --timeout=1m --start-period=5m --retries=2 CMD ["cupola", "status", "--quiet"]
ENTRYPOINT ["cupola"]
CMD ["daemon"]
