# Two images from one file:
#   serve   the HTTP server: node, its bundle and its pages. The last stage, so the default.
#   train   the whole command line, with the recipes and the sample months.
#
#   docker build -t ridecast .
#   docker build -t ridecast-train --target train .
#
# Behind a package registry of your own, hand npm its settings as build secrets; they end up
# in no layer:
#   docker build --secret id=npmrc,src=$HOME/.npmrc --secret id=ca,src=ca.pem .
# where the npmrc says `cafile=/run/secrets/ca` if it needs that certificate.

# Exact, so that a build of an old commit is the build of that day. The current LTS line.
ARG NODE_IMAGE=node:26.13.0-trixie-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package's install script is needed here, and none gets to run.
RUN --mount=type=cache,target=/root/.npm \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    npm ci --ignore-scripts
COPY tsconfig.json ./
COPY scripts/build.mjs scripts/
# The bundle holds what is shipped as YAML, read.
COPY recipes/ recipes/
COPY contracts/ contracts/
COPY src/ src/
RUN node scripts/build.mjs
# Empty folders for the final stages to copy: a volume takes its owner from the image's folder.
RUN mkdir -p /empty/models /empty/runs /empty/state

FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm \
    --mount=type=secret,id=npmrc,target=/root/.npmrc \
    --mount=type=secret,id=ca,target=/run/secrets/ca \
    npm ci --omit=dev --ignore-scripts

FROM ${NODE_IMAGE} AS train
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules/ node_modules/
COPY package.json ./
COPY bin/ bin/
COPY recipes/ recipes/
COPY contracts/ contracts/
# Downloaded months and cached moments land here beside the samples.
COPY --chown=node:node data/ data/
COPY --from=build --chown=node:node /empty/ ./
# Without src/ beside it, bin/ridecast.mjs takes dist/ as it is.
COPY --from=build /app/dist/ dist/
USER node
VOLUME ["/app/data", "/app/models", "/app/runs"]
ENTRYPOINT ["node", "bin/ridecast.mjs"]
CMD ["--help"]

FROM ${NODE_IMAGE} AS serve
# Inside a container the loopback address would be out of everybody's reach.
ENV NODE_ENV=production \
    RIDECAST_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app/dist/serve.mjs dist/
COPY --from=build /app/dist/serve/ dist/serve/
COPY --from=build /app/dist/page/serve/ dist/page/serve/
COPY --from=build /app/dist/page/docs/ dist/page/docs/
COPY --from=build --chown=node:node /empty/models/ models/
COPY --from=build --chown=node:node /empty/state/ state/
USER node
# Models come by volume: none is baked in, so that a new model needs no new image. Predictions,
# feedback and rollouts go to /app/state, the one folder that is written to.
VOLUME ["/app/models", "/app/state"]
EXPOSE 9696
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.RIDECAST_PORT || 9696) + '/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The base's entry point is a shell script; without it node is the process that gets the signals.
ENTRYPOINT []
CMD ["node", "dist/serve.mjs"]
