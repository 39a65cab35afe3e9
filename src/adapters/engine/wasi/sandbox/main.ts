import { fstatSync, ftruncateSync } from "node:fs";

import { readFrame, readFully, writeFrame, writeFully } from "./frames.ts";
import { runProgram, type SandboxRequest } from "./run-program.ts";

// The process of one run: it says that it is ready, serves one request, answers and ends. It may be given the module ahead of the
// request. Everything is synchronous: there is nothing to wait for but the program.
const STDIN = 0;
const STDOUT = 1;
/** The engine opens the state's scratch copy for this process, which may open nothing itself. */
const STATE = 3;

writeFrame(STDOUT, { type: "ready" });
let request = readFrame(STDIN);
let loaded: WebAssembly.Module | undefined;
if (request?.header["type"] === "load") {
  loaded = new WebAssembly.Module(request.bodies[0] as Uint8Array<ArrayBuffer>);
  writeFrame(STDOUT, { type: "loaded" });
  request = readFrame(STDIN);
}
if (request !== undefined) {
  if (request.header["type"] === "check") check(request.bodies as Uint8Array<ArrayBuffer>[]);
  else run(request.header["request"] as SandboxRequest, request.bodies as Uint8Array<ArrayBuffer>[], loaded);
}
process.exit(0);

function check(modules: readonly Uint8Array<ArrayBuffer>[]): void {
  let message = "";
  try {
    for (const bytes of modules) new WebAssembly.Module(bytes);
  } catch (error) {
    message = error instanceof Error ? error.message : String(error);
  }
  writeFrame(STDOUT, { type: "checked", message });
}

/** @param code of no length when the module has been loaded */
function run(
  header: SandboxRequest,
  [code, input]: Uint8Array<ArrayBuffer>[],
  module: WebAssembly.Module | undefined,
): void {
  if (code === undefined || input === undefined) throw new Error("a run needs a module and an input");
  const state = readFully(STATE, fstatSync(STATE).size, 0);
  if (state === undefined) throw new Error("the state changed while it was read");
  const {
    output,
    stderr,
    state: newState,
    ...ended
  } = runProgram(module ?? new WebAssembly.Module(code), header, state, input);
  if (newState !== undefined && ended.end === "exit" && ended.exitCode === 0) {
    ftruncateSync(STATE, 0);
    let at = 0;
    for (const part of newState) {
      writeFully(STATE, part, at);
      at += part.length;
    }
  }
  writeFrame(STDOUT, { type: "result", ...ended, stateChanged: newState !== undefined }, [output, stderr]);
}
