import type { Command, Option } from "commander";

import { createSprf } from "../../src/cli/create-sprf.ts";
import { EXIT_CODES } from "../../src/cli/run-command.ts";
import { ERRORS, type Fault } from "../../src/errors.ts";
import { tableOf } from "./markdown.ts";

/** Whose fault it is, in the words of the table of exit codes. */
const FAULTS: Readonly<Record<Fault, string>> = {
  user: "wrong use: the message says what to correct",
  program: "the program that ran refused or failed",
  peer: "somebody else is at fault: a worker, node or member",
  network: "a network, or a part of it, cannot be reached",
  timeout: "it took longer than it may; trying again can help",
  internal: "a bug of SPRF, or this machine's disk",
  aborted: "you ended it",
};
const OWN_CODES: ReadonlyArray<readonly [number, string]> = [
  [10, "`audit`: the history is wrong; `doctor`: something failed"],
  [11, "`audit`: content is gone, or a run failed on this machine"],
  [12, "`audit`: an image is gone"],
];

/** docs/commands.md, made of the commands themselves. */
export async function commandsPage(): Promise<string> {
  const sprf = await createSprf();
  const parts = shownCommands(sprf).map((command) => sectionOf(command, 2, `npx sprf ${command.name()}`));
  return [
    "# Commands",
    "<!-- Made by `node scripts/checks/docs-reference.ts --write`. -->",
    "Everything is one command, `npx sprf <command>`; `--help` after any of them says what stands here. Settings that have no option are set in the environment or in a file: options win over the environment, that over a file, that over defaults ([all settings](architecture.md#settings)); `npx sprf config show` tells where each value came from.",
    'With `--json`, what a command has to say is on stdout as JSON, an error too: `{"error": {"code", "message", "fault", "next"}}`. Without it, progress and errors are on stderr, and colours are used on a terminal alone (`NO_COLOR` and `FORCE_COLOR` decide otherwise).',
    "## Exit codes",
    exitCodes(),
    "Which codes of errors end with which exit code: [errors](#errors).",
    ...parts,
    "## Completion",
    "`npx sprf completion bash` and `npx sprf completion zsh` print a script that has the shell ask `sprf` what can follow. It wants `sprf` on PATH (`npm link` in this folder puts it there): `source <(sprf completion bash)` in `~/.bashrc`, or the same with `zsh` in `~/.zshrc`, after `compinit`.",
    "## Errors",
    "Each error has a code that stays the same when its wording changes.",
    errors(),
    "",
  ].join("\n\n");
}

/** Commands below one that a reader sees, in their order. */
function shownCommands(command: Command): readonly Command[] {
  return command.commands.filter((each) => !["help", "complete", "completion"].includes(each.name()));
}

function exitCodes(): string {
  const faults = Object.keys(EXIT_CODES) as Fault[];
  const known = new Map<number, string[]>();
  for (const fault of faults) {
    known.set(EXIT_CODES[fault], [...(known.get(EXIT_CODES[fault]) ?? []), FAULTS[fault]]);
  }
  const rows = [
    [0, "done"] as const,
    ...[...known].map(([code, words]) => [code, words.join("; or ")] as const),
    ...OWN_CODES,
  ];
  return tableOf(
    ["code", "means"],
    rows.toSorted(([a], [b]) => a - b).map(([code, means]) => [String(code), means]),
  );
}

function errors(): string {
  const rows = Object.entries(ERRORS).map(([code, { fault, next }]) => [
    `\`${code}\``,
    String(EXIT_CODES[fault]),
    next,
  ]);
  return tableOf(["code", "exit code", "what to do"], rows);
}

function sectionOf(command: Command, level: number, path: string): string {
  const below = shownCommands(command);
  const isGroup = below.length > 0;
  const shared = isGroup ? sharedOptions(leavesOf(command)) : [];
  const own = command.options.filter(({ hidden }) => !hidden);
  return [
    `${"#".repeat(level)} ${path.slice("npx ".length)}`,
    command.description(),
    ...(isGroup && own.length === 0 ? [] : [`\`${usageOf(command, path)}\``, ...optionsOf(own)]),
    ...(shared.length === 0 ? [] : [`Each of its commands takes:`, ...optionsOf(shared)]),
    ...below.map((each) => leafSection(each, level + 1, `${path} ${each.name()}`, shared)),
  ].join("\n\n");
}

function leafSection(command: Command, level: number, path: string, shared: readonly Option[]): string {
  if (shownCommands(command).length > 0) return sectionOf(command, level, path);
  const own = command.options.filter((option) => !option.hidden && !shared.some((other) => isSame(other, option)));
  return [
    `${"#".repeat(level)} ${path.slice("npx ".length)}`,
    command.description(),
    `\`${usageOf(command, path)}\``,
    ...optionsOf(own),
  ].join("\n\n");
}

function usageOf(command: Command, path: string): string {
  const words = command.registeredArguments.map((argument) => {
    const word = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${word}>` : `[${word}]`;
  });
  return [path, ...words, "[options]"].join(" ");
}

function leavesOf(command: Command): readonly Command[] {
  const below = shownCommands(command);
  return below.length === 0 ? [command] : below.flatMap(leavesOf);
}

/** What all of several commands take, in the words of the first. */
function sharedOptions([first, ...others]: readonly Command[]): readonly Option[] {
  if (first === undefined || others.length === 0) return [];
  return first.options.filter(
    (option) => !option.hidden && others.every(({ options }) => options.some((other) => isSame(other, option))),
  );
}

function isSame(a: Option, b: Option): boolean {
  return a.flags === b.flags && a.description === b.description && String(a.defaultValue) === String(b.defaultValue);
}

function optionsOf(options: readonly Option[]): readonly string[] {
  if (options.length === 0) return [];
  const rows = options.map((option) => [
    `\`${option.flags}\``,
    `${mandatory(option)}${option.description}${valuesOf(option)}`,
  ]);
  return [tableOf(["option", ""], rows)];
}

function mandatory({ mandatory: isMandatory }: Option): string {
  return isMandatory ? "**required**; " : "";
}

function valuesOf({ argChoices, defaultValue }: Option): string {
  const choices = argChoices === undefined ? "" : `; one of ${argChoices.map((choice) => `\`${choice}\``).join(", ")}`;
  const isTold =
    defaultValue === undefined || defaultValue === false || defaultValue === "" || isEmptyList(defaultValue);
  return isTold ? choices : `${choices} (default: \`${String(defaultValue)}\`)`;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
