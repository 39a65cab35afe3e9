import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Command } from "commander";

import { devnetFilePath, readDevnetFile } from "../config/devnet-file.ts";
import { connect, type SprfClient } from "../create-client.ts";
import { fundAccount } from "../devnet/fund.ts";
import { formatStroops, parseXlm } from "../domain/program/stroops.ts";
import { SprfError, messageOf } from "../errors.ts";
import type { ProgramReference } from "../ports/engine.ts";
import { daemonInit, withDaemonOptions, type DaemonOptions } from "./daemon-options.ts";
import { runCommand } from "./run-command.ts";

const MODULE_CID = /^baf[a-z2-7]{56}$/;
const PROGRAM = /^G[A-Z2-7]{55}$/;

/** Options of every command that has to do with one program. */
export interface ProgramOptions extends DaemonOptions {
  readonly yes: boolean;
}

export function withProgramOptions(command: Command): Command {
  return withDaemonOptions(command).option("--yes", "pay without asking", false);
}

/** What a command works with. */
export interface ProgramSession {
  readonly client: SprfClient;
  /** Folder of this account's data. */
  readonly dataDirectory: string;
  readonly signal: AbortSignal;
}

/** Connects as the account of the options and runs the command; on devnet the account gets its first coins. */
export async function withProgram(
  options: ProgramOptions,
  work: (session: ProgramSession) => Promise<void>,
): Promise<void> {
  await runCommand(async (signal) => {
    const { peer } = await daemonInit("client", { logLevel: "error", ...options });
    const client = await connect(peer, { signal });
    try {
      if (options.devnet !== undefined && options.devnet !== false) {
        const path = options.devnet === true ? devnetFilePath() : options.devnet;
        const { friendbotUrl } = await readDevnetFile(path);
        await fundAccount(friendbotUrl, client.wallet.account, { signal });
      }
      await work({ client, dataDirectory: peer.dataDirectory ?? ".", signal });
    } finally {
      await client.close();
    }
  }, options);
}

/** A smart account. @throws SprfError `INVALID_INPUT` */
export function programOf(text: string): string {
  if (PROGRAM.test(text)) return text;
  throw new SprfError(
    "INVALID_INPUT",
    `program: expected a smart account, G and 55 characters, got ${JSON.stringify(text)}`,
  );
}

/** An amount in XLM as stroops. @throws SprfError `INVALID_INPUT` */
export function stroopsOf(name: string, xlm: string): bigint {
  if (/^\d{1,11}(\.\d{1,7})?$/.test(xlm)) return parseXlm(xlm);
  throw new SprfError("INVALID_INPUT", `${name}: expected XLM with at most 7 decimals, got ${JSON.stringify(xlm)}`);
}

/** A whole number of stroops. @throws SprfError `INVALID_INPUT` */
export function wholeOf(name: string, text: string): bigint {
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw new SprfError("INVALID_INPUT", `${name}: expected a number of stroops, got ${JSON.stringify(text)}`);
}

export function xlmOf(stroops: bigint): string {
  return stroops < 0n ? `-${formatStroops(-stroops)} XLM` : `${formatStroops(stroops)} XLM`;
}

/** Which code a program runs: a module, by its file or by its CID, or an image with its digest. */
export interface CodeOptions {
  readonly module?: string;
  readonly cid?: string;
  readonly image?: string;
}

export function withCodeOptions(command: Command): Command {
  return command
    .option("--module <file>", "a WASI module; the workers fetch it from here")
    .option("--cid <cid>", "a WASI module that was pushed (`program push`)")
    .option("--image <host/repo:tag@sha256:digest>", "a Docker image that the workers can pull");
}

/** Stores a module, or takes an image apart. @throws SprfError `INVALID_INPUT` */
export async function codeOf(
  { module: path, cid, image }: CodeOptions,
  { client, signal }: ProgramSession,
): Promise<ProgramReference> {
  if ([path, cid, image].filter((given) => given !== undefined).length !== 1) {
    throw new SprfError("INVALID_INPUT", "say one of --module, --cid and --image");
  }
  if (cid !== undefined) {
    if (MODULE_CID.test(cid)) return { kind: "wasi", cid };
    throw new SprfError("INVALID_INPUT", `--cid: expected a CID in base32, got ${JSON.stringify(cid)}`);
  }
  if (image !== undefined) {
    const [, address, digest] = /^(\S+)@sha256:([0-9a-f]{64})$/.exec(image) ?? [];
    if (address !== undefined && digest !== undefined) return { kind: "docker", image: address, digest };
    throw new SprfError("INVALID_INPUT", "--image: expected host/repo:tag@sha256: and 64 hex digits");
  }
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path ?? "");
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `--module: ${messageOf(error)}`, { cause: error });
  }
  return { kind: "wasi", cid: await client.putFile(bytes, { signal }) };
}

/** Where the recovery of a program is kept. */
export function recoveryPath({ dataDirectory }: ProgramSession, program: string, given: string | undefined): string {
  return given ?? join(dataDirectory, `recovery-${program}.json`);
}
