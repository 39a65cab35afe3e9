import { readFile, writeFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";

import { Option, type Command } from "commander";
import { z } from "zod";

import { loadEngineSettings } from "../config/engine-settings.ts";
import { readProgramProject } from "../config/program-project.ts";
import { createLogger } from "../create-logger.ts";
import { createProgramKit, initProgram, TEMPLATES, type ProgramKit, type Template } from "../create-program-kit.ts";
import { SprfError, messageOf } from "../errors.ts";
import type { TrialRun } from "../execution/try-program.ts";
import { enginesOf, withDaemonOptions } from "./daemon-options.ts";
import { parseOptions } from "./parse-options.ts";
import { withProgram, type ProgramOptions } from "./program-options.ts";
import { printRows } from "./program-views.ts";
import { runCommand } from "./run-command.ts";

interface ProjectOptions {
  readonly config?: string;
  readonly json: boolean;
}

interface PushOptions extends ProgramOptions {
  readonly registry?: string;
}

interface TryOptions extends ProjectOptions {
  readonly input?: string;
  readonly output: string;
  readonly time?: string;
  readonly seed: string;
  readonly fresh: boolean;
}

const STDIO = "-";
const MS_PER_SECOND = 1_000;
const MIB = 1024 * 1024;
/** Nobody's account: a program that is tried has none yet. */
const NO_PROGRAM = "GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF";

const trySchema = z.object({
  time: z.coerce.number().int().min(0).optional(),
  seed: z.string().regex(/^[0-9a-f]{64}$/, "expected 64 hex digits"),
});

/** Commands for a program that is written in a folder: from nothing to what `sprf program create` takes. */
export function addProjectCommands(program: Command): void {
  program
    .command("init <folder>")
    .description("Begins a program's folder from a template.")
    .addOption(new Option("--template <name>", "what to begin with").choices(TEMPLATES).default(TEMPLATES[0]))
    .option("--json", "one JSON object a line on stdout", false)
    .action(async (folder: string, options: Pick<ProjectOptions, "json"> & { readonly template: Template }) => {
      await runCommand(async () => {
        const files = await initProgram(folder, options.template);
        if (options.json) return console.log(JSON.stringify({ folder, template: options.template, files }));
        console.log(`${folder} has ${files.join(", ")}`);
        return console.error(`next: npx sprf program build ${folder}`);
      }, options);
    });

  withEngineSettings(program.command("build <folder>"))
    .description("Builds the program in a folder, twice: the same sources must give the same bytes.")
    .action(async (folder: string, options: ProjectOptions) => {
      await withKit(folder, options, async (kit, signal) => {
        const { warnings, ...built } = await kit.build({ signal, ...(options.json ? {} : { onStep: console.error }) });
        if (warnings !== "") process.stderr.write(warnings);
        if (options.json) return console.log(JSON.stringify(built));
        printRows("built", [
          [built.engine === "wasi" ? "module" : "image", built.at],
          ...(built.bytes === undefined ? [] : ([["size", `${built.bytes} bytes`]] as const)),
          [built.engine === "wasi" ? "CID" : "id", `${built.id} (twice the same)`],
        ]);
        return console.error(`next: npx sprf program try ${folder}`);
      });
    });

  withEngineSettings(program.command("try <folder>"))
    .description("Runs what was built here as a worker would, twice, and says what it used.")
    .option("--input <file>", "what the program reads on its standard input; - is this one (default: nothing)")
    .option("--output <file>", "where to write what the program wrote; - is stdout", STDIO)
    .option("--fresh", "begin with the empty state, not with that of the last try", false)
    .option("--time <seconds>", "the program's clock, since 1970 (default: now)")
    .option("--seed <hex>", "the program's randomness follows from it", "0".repeat(64))
    .action(async (folder: string, options: TryOptions) => {
      await withKit(folder, options, async (kit, signal) => await tryIt(kit, options, signal));
    });

  withDaemonOptions(program.command("push <folder>"))
    .description("Gives what was built to workers: a module to IPFS, an image to a registry.")
    .option("--registry <host:port>", "where an image goes")
    .action(push);
}

function withEngineSettings(command: Command): Command {
  return command
    .option("--config <file>", "settings as JSON")
    .option("--json", "one JSON object a line on stdout", false);
}

async function tryIt(kit: ProgramKit, options: TryOptions, signal: AbortSignal): Promise<void> {
  const { time, seed } = parseOptions(trySchema, options);
  const seconds = time ?? Math.floor(Date.now() / MS_PER_SECOND);
  const environment = { program: NO_PROGRAM, sequence: "1", time: String(seconds), seed };
  const input = options.input === undefined ? new Uint8Array(0) : await readInput(options.input);
  const trial = await kit.try({ input, fresh: options.fresh, environment }, { signal });
  const { result } = trial;
  if (options.json) {
    const text = options.output === STDIO ? { output: Buffer.from(result.output).toString("utf8") } : {};
    console.log(JSON.stringify({ ...usedOf(trial), ...text }));
  } else printUse(trial);
  if (result.status === "rejected") {
    throw new SprfError("PROGRAM_REJECTED", `${result.reason} ${result.exitCode}: ${result.stderrTail.trim()}`);
  }
  if (options.output !== STDIO) await writeFile(options.output, result.output);
  else if (!options.json) process.stdout.write(result.output);
}

/** On stderr, so that stdout is the program's alone. */
function printUse(trial: TrialRun): void {
  const { gas, seconds, elapsedMs, limits, state, result } = trial;
  const rows = [
    ["result", `${result.status}, the same in two runs`],
    ["gas", `${gas}: --max-gas of \`npx sprf program run\` has to be as much`],
    ["CPU", `${seconds} s declared; two runs took ${elapsedMs} ms here`],
    ["state", `${state.bytesBefore} bytes before, ${state.bytesAfter} after; at most ${limits.stateBytes / MIB} MiB`],
    ["output", `${result.output.length} bytes; at most ${limits.outputBytes / MIB} MiB`],
    ["memory", `at most ${limits.memoryBytes / MIB} MiB`],
  ] as const;
  for (const [name, text] of rows) console.error(`${name.padEnd(8)}${text}`);
}

function usedOf({ result, gas, seconds, elapsedMs, limits, state }: TrialRun): object {
  return { status: result.status, gas: gas.toString(), seconds, elapsedMs, limits, state };
}

async function push(folder: string, options: PushOptions): Promise<void> {
  // A module is served by the account's own node, an image by a registry: only the first takes part in the networks.
  if (await isWasi(folder)) {
    await withProgram(options, async ({ client, signal }) => {
      const cid = await client.putFile(await (await kitOf(folder, options)).module(), { signal });
      if (options.json) return console.log(JSON.stringify({ cid }));
      console.log(cid);
      return console.error(`next: npx sprf program create --agreement 0x... --cid ${cid}`);
    });
    return;
  }
  await withKit(folder, options, async (kit, signal) => {
    if (options.registry === undefined) throw new SprfError("INVALID_INPUT", "--registry: say where the image goes");
    const { image, digest } = await kit.push(options.registry, { signal });
    const pinned = `${image}@sha256:${digest}`;
    if (options.json) return console.log(JSON.stringify({ image: pinned }));
    console.log(pinned);
    return console.error(`next: npx sprf program create --agreement 0x... --image ${pinned}`);
  });
}

/** What cannot be read is said by the command that follows. */
async function isWasi(folder: string): Promise<boolean> {
  const project = await readProgramProject(folder).catch(() => undefined);
  return project?.engine === "wasi";
}

async function kitOf(folder: string, { config }: ProjectOptions): Promise<ProgramKit> {
  const project = await readProgramProject(folder);
  const engines = enginesOf(await loadEngineSettings(config === undefined ? {} : { file: config }));
  return createProgramKit({ folder, project, engines }, { logger: createLogger("error") });
}

async function withKit(
  folder: string,
  options: ProjectOptions,
  work: (kit: ProgramKit, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  await runCommand(async (signal) => await work(await kitOf(folder, options), signal), options);
}

async function readInput(path: string): Promise<Uint8Array> {
  try {
    return path === STDIO ? await buffer(process.stdin) : await readFile(path);
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `--input: ${messageOf(error)}`, { cause: error });
  }
}
