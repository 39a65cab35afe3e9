// Nothing in the repository may hold a private key, a path of the machine it was written on, or a package registry's address.
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";

import { StrKey } from "@stellar/stellar-sdk";

import { repositoryFiles, textOf } from "./repository-files.ts";

interface Rule {
  readonly what: string;
  readonly pattern: RegExp;
  /** Files in which a match is meant. */
  readonly except?: RegExp;
  readonly isFault?: (match: string) => boolean;
}

const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);

const RULES: readonly Rule[] = [
  { what: "a private key", pattern: /-{5}BEGIN [A-Z ]*PRIVATE KEY-{5}/g },
  {
    what: "a secret key of a Stellar account",
    pattern: /\bS[A-Z2-7]{55}\b/g,
    // Keys of published test vectors and of recorded ledgers, which guard nothing.
    except: /^test\//,
    isFault: (match) => StrKey.isValidEd25519SecretSeed(match),
  },
  { what: "a path of one machine", pattern: new RegExp(`${escape(dirname(resolve(".")))}/`, "g") },
  { what: "a path of one machine", pattern: new RegExp(`(?<![\\w.$}~-])${escape(homedir())}/`, "g") },
  { what: "a path of one machine", pattern: /(?<![\w.])\/(home|Users)\/[a-z][\w.-]*\//g },
  { what: "a package registry's address", pattern: /https?:\/\/[\w.-]*\b(npmjs|yarnpkg|jfrog|artifactory)\b[\w.-]*/g },
  { what: "a download address in the lock", pattern: /"resolved":\s+"http[^"]*"/g },
];

let faults = 0;
for (const path of repositoryFiles()) {
  const text = textOf(path);
  if (text === undefined) continue;
  for (const rule of RULES) {
    if (rule.except?.test(path)) continue;
    for (const match of text.matchAll(rule.pattern)) {
      if (rule.isFault?.(match[0]) === false) continue;
      const line = text.slice(0, match.index).split("\n").length;
      console.error(`${path}:${line}: ${rule.what}`);
      faults++;
    }
  }
}
process.exitCode = faults === 0 ? 0 : 1;
