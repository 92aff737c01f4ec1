# syntax=docker/dockerfile:1
# The orchestrator with its page and command line. `docker build -t tutti .`; how it is run: deploy/compose.yaml and docs/deploy.md.

FROM node:22-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:22-bookworm-slim
ENV NODE_ENV=production TUTTI_DATA=/data TUTTI_HOST=0.0.0.0
# Agents reach their hosts by ssh.
RUN apt-get update && apt-get install -y --no-install-recommends openssh-client && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules ./node_modules
COPY --from=build /src/dist ./dist
# The volume takes its owner and mode from here: the process is the image's unprivileged user, and the data its alone.
RUN ln -s /app/dist/src/cli/main.js /usr/local/bin/tutti && install -d -o node -g node -m 0700 /data
USER node
VOLUME /data
EXPOSE 7480 7400 7401 7402
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD \
  ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TUTTI_HTTP_PORT || 7480}/readyz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tutti"]
CMD ["up"]
