# Images of the daemons, from what scripts/image.ts puts together: Node, its libraries, a shell, the code and its packages.
FROM scratch AS daemon
COPY daemon/ /
COPY --chown=10001:10001 owned/ /
ENV NODE_ENV=production \
    NODE_NO_WARNINGS=1 \
    HOME=/data \
    SPRF_DATA_DIRECTORY=/data \
    SPRF_DEVNET_FILE=/devnet/devnet.json \
    SPRF_ADMIN_PORT=9464
WORKDIR /data
USER 10001:10001
VOLUME ["/data"]
# Keys never belong in an image: they come by SPRF_KEYSTORE and SPRF_PASSWORD_FILE, files that are mounted.
HEALTHCHECK --interval=5s --timeout=6s --start-period=60s --retries=6 \
  CMD ["/bin/node", "-e", "fetch('http://127.0.0.1:9464/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/bin/node", "/app/src/cli/sprf.ts"]
CMD ["--help"]

FROM daemon AS devnet
COPY devnet/ /
CMD ["devnet"]
