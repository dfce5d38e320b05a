# syntax=docker/dockerfile:1
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
# Restored first: the layer is used again until a dependency changes.
COPY global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY src/ClaudeGateway/ClaudeGateway.csproj src/ClaudeGateway/packages.lock.json src/ClaudeGateway/
RUN dotnet restore src/ClaudeGateway --locked-mode
COPY src src
COPY docs/protocol.md docs/
RUN dotnet publish src/ClaudeGateway -c Release -o /app --no-restore

FROM mcr.microsoft.com/dotnet/aspnet:10.0
# The embedded store uses the system's SQLite.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libsqlite3-0 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /app /app
# The base image's user without privileges.
USER $APP_UID
EXPOSE 8080
ENV DOTNET_EnableDiagnostics=0
ENTRYPOINT ["/app/claude-gateway"]
CMD ["--config", "/etc/claude-gateway/gateway.yaml"]
