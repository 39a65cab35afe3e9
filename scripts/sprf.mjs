#!/usr/bin/env node
// The command `sprf`: installs what is missing, as `npm start` does, and runs src/cli/sprf.ts on the pinned Node.
process.argv.splice(2, 0, "sprf");
await import("./bootstrap.mjs");
