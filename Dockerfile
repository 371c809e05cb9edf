# syntax=docker/dockerfile:1

# The compiler by its version: with another the same sources would be another program.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# Optimises the whole program, and for what it does most, which takes some minutes. The registry and the target directory
# stay in the builder's cache, so a change of the code compiles the code alone.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    scripts/dist \
    && install -D target/dist/sabir /out/sabir \
    && install -d /out/data

# The C library, the certificates of public authorities and nothing else: no shell and no package manager to attack or
# to keep up to date. The program brings its own TLS and its own SQLite.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="sabir" \
      org.opencontainers.image.description="A self-hosted HTTP gateway for business messaging" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/sabir /usr/local/bin/sabir
COPY LICENSE /usr/share/doc/sabir/LICENSE
COPY --from=build --chown=65532:65532 /out/data /data

# In numbers, so that Kubernetes can see that it is not root.
USER 65532:65532

# The default configuration keeps everything under `data`, which is /data from here. It is not said in variables: they
# would win over a configuration file. Nothing is written anywhere else, so the root may be read-only.
WORKDIR /
VOLUME ["/data"]

# A container is reached from outside or not at all. Beyond loopback the gateway does not start without an account.
ENV SABIR__SERVER__LISTEN=0.0.0.0:8080
EXPOSE 8080

HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["/usr/local/bin/sabir", "health"]

# SIGTERM stops it within `server.shutdown_grace`, 25 s: give it 30 (`docker run --stop-timeout 30`).
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/sabir"]
