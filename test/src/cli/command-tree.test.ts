import { globSync, readFileSync } from "node:fs";

import { expect } from "chai";
import type { Command, Option } from "commander";

import { createSprf } from "../../../src/cli/create-sprf.ts";
import { ERRORS } from "../../../src/errors.ts";

/** Flags of one name that look otherwise in another command, because they are another thing there. */
const TWO_MEANINGS = new Set(["--node"]);
/** What issue 8 promises. */
const PROMISED = [
  "devnet, worker, worker status, tester, node run, audit, doctor, keys create, keys import, keys list, config show",
  "config schema, market workers, market quote, market buy, market agreements, market statement, program init",
  "program build, program push, program create, program run, program state, program history, grid deploy, grid bill",
  "channel create, channel join, channel settle",
].flatMap((line) => line.split(", "));
/** Of the library that completes words, and of commander. */
const NOT_OURS = new Set(["help", "complete", "completion"]);

interface Leaf {
  readonly path: string;
  readonly command: Command;
}

const sprf = await createSprf();
const commands = [...below(sprf, "")];
/** Those that do something themselves. */
const leaves = commands.filter(({ command }) => subcommands(command).length === 0 || command.options.length > 0);

describe("cli/command-tree", () => {
  it("should have every command that was promised", () => {
    const paths = commands.map(({ path }) => path);
    for (const promised of PROMISED) expect(paths).to.include(promised);
  });

  it("should describe every command and every option in words", () => {
    for (const { path, command } of commands) {
      expect(command.description(), path).to.match(/^[A-Z`].*[.:]?$/s);
      for (const { flags, description } of command.options) expect(description, `${path} ${flags}`).to.not.equal("");
    }
  });

  it("should give JSON everywhere", () => {
    for (const { path, command } of leaves) {
      expect(optionNamed(command, "--json")?.isBoolean(), `${path} --json`).to.equal(true);
    }
  });

  it("should write an option in the same way everywhere, and by it alone", () => {
    const seen = new Map<string, { flags: string; path: string }>();
    for (const { path, command } of leaves) {
      for (const { long, flags } of command.options) {
        const name = long ?? flags;
        expect(name, path).to.match(/^--[a-z][a-z-]*$/);
        if (TWO_MEANINGS.has(name)) continue;
        const before = seen.get(name) ?? { flags, path };
        expect(flags, `${path}, and ${before.path}`).to.equal(before.flags);
        seen.set(name, before);
      }
    }
  });

  it("should take networks in the same way wherever it takes any", () => {
    for (const { path, command } of leaves) {
      if (optionNamed(command, "--devnet") === undefined) continue;
      expect(optionNamed(command, "--config"), `${path} --config`).to.not.equal(undefined);
    }
  });

  it("should name in errors, help and messages only what there is", () => {
    const texts = [
      ...Object.entries(ERRORS).map(([code, { next }]) => ({ from: code, text: next as string })),
      ...globSync("src/**/*.ts").map((path) => ({ from: path, text: readFileSync(path, "utf8") })),
      ...leaves.map(({ path, command }) => ({ from: path, text: command.helpInformation().replaceAll(/\s+/g, " ") })),
    ];
    let named = 0;
    for (const { from, text } of texts) {
      for (const [whole, line = ""] of text.matchAll(/`(?:npx )?sprf ([^`$<\\]+)/g)) {
        named += 1;
        expect(faultOf(line.trim().split(/\s+/)), `${from}: ${whole}`).to.equal(undefined);
      }
    }
    // The check itself can fail.
    expect(named).to.be.greaterThan(50);
    expect(faultOf(["market", "steal"])).to.equal("there is no market steal");
    expect(faultOf(["market", "buy", "--free"])).to.equal("market buy has no --free");
  });
});

function subcommands(command: Command): readonly Command[] {
  return command.commands.filter((each) => !NOT_OURS.has(each.name()));
}

function* below(command: Command, prefix: string): Generator<Leaf> {
  for (const each of subcommands(command)) {
    const path = `${prefix}${each.name()}`;
    yield { path, command: each };
    yield* below(each, `${path} `);
  }
}

function optionNamed(command: Command, long: string): Option | undefined {
  return command.options.find((option) => option.long === long);
}

/** Why words after `sprf` name nothing; undefined when they do. */
function faultOf(words: readonly string[]): string | undefined {
  let at: Command = sprf;
  const path: string[] = [];
  for (const word of words) {
    if (word.startsWith("--")) {
      const option = word.replace(/[^a-z-].*$/, "");
      const isKnown = [at, ...[...below(at, "")].map(({ command }) => command)].some(
        (command) => option === "--help" || optionNamed(command, option) !== undefined,
      );
      if (!isKnown) return `${path.join(" ")} has no ${option}`;
      continue;
    }
    const next = at.commands.find((each) => each.name() === word);
    if (next !== undefined) {
      at = next;
      path.push(word);
    } else if (at.registeredArguments.length === 0 && subcommands(at).length > 0) {
      return `there is no ${[...path, word].join(" ")}`;
    }
  }
  return undefined;
}
