// A thread that compiles what it is sent, one input after the other, with one instance of the compiler: loading it costs as much as
// compiling a small contract.
import { createRequire } from "node:module";
import { parentPort } from "node:worker_threads";

interface Solc {
  compile(input: string): string;
  version(): string;
}

const solc = createRequire(import.meta.url)("solc") as Solc;
parentPort?.on("message", (input: string) => {
  // An empty input asks for the version.
  parentPort?.postMessage(input === "" ? solc.version() : solc.compile(input));
});
