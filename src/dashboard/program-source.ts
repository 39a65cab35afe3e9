import { StrKey } from "@stellar/stellar-sdk";

import type { Link } from "../client/history.ts";
import { majorityOf, type SmartAccount } from "../domain/program/smart-account.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import { findTip } from "../execution/tip.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Ledger } from "../ports/ledger.ts";
import { createBoundedCache } from "../utils/bounded-cache.ts";
import { concatBytes } from "../utils/bytes.ts";
import { MAX_TEXT_BYTES, bytesView } from "./bytes-view.ts";
import { explorerUrl } from "./explorer.ts";
import { PAGE_STEPS, readSteps, type PageStart } from "./program-steps.ts";
import type { BytesView, ProgramView, RerunView, StepPage } from "./program-types.ts";
import type { Rerun } from "./rerun.ts";
import { viewsByLooking, type TopicSource } from "./topic-source.ts";

/** Steps that were shown, which can be run again and paged from. */
const MAX_KNOWN = 10_000;
/** What is looked at to show the beginning of it. */
const MAX_CONTENT_BYTES = 16 * 1024 * 1024;
const DEFAULT_LOOK_MS = 2_000;

/** Programs as the dashboard shows them. */
export interface ProgramSource extends TopicSource<ProgramView> {
  /** The page that begins with a step that an earlier page named as its next. @throws SprfError `INVALID_INPUT` */
  page(program: string, after: string, options: { readonly signal: AbortSignal }): Promise<StepPage>;
  /** Runs a step that was shown again. @throws SprfError as {@link Rerun.run} does, `INVALID_INPUT` for any other */
  rerun(program: string, recordCid: string, options: { readonly signal: AbortSignal }): Promise<RerunView>;
  /** The beginning of content that a step names. @throws SprfError `INVALID_INPUT` for any other, `CONTENT_NOT_FOUND` */
  content(program: string, cid: string, options: { readonly signal: AbortSignal }): Promise<BytesView>;
}

export interface ProgramSourceParts {
  readonly ledger: Ledger;
  readonly content: ContentStore;
  readonly rerun: Rerun;
  readonly clock: Clock;
  /** Connects to those who hold a program's content. */
  readonly join: (program: string, options: { readonly signal: AbortSignal }) => Promise<void>;
  /** @default 2,000 */
  readonly lookMs?: number | undefined;
  /** Steps of a page. @default 20 */
  readonly pageSteps?: number | undefined;
}

/** Reads programs off the ledger, and their history from whoever holds it. */
export function createProgramSource(parts: ProgramSourceParts): ProgramSource {
  const { ledger, content, rerun, clock, join, lookMs = DEFAULT_LOOK_MS, pageSteps = PAGE_STEPS } = parts;
  const { networkPassphrase } = ledger;
  const known = createBoundedCache<PageStart>(MAX_KNOWN);
  const named = createBoundedCache<true>(MAX_KNOWN);

  async function readPage(program: string, from: PageStart, signal: AbortSignal): Promise<StepPage> {
    const { steps, links, next } = await joined(program, signal, () =>
      readSteps({ ledger, content }, from, { most: pageSteps, signal }),
    );
    for (const link of [...links, ...(next === undefined ? [] : [next])])
      known.set(keyOf(program, link.recordCid), link);
    for (const { state, runs } of steps) {
      named.set(keyOf(program, state), true);
      for (const { outputCid, input } of runs) {
        named.set(keyOf(program, outputCid), true);
        if (input.kind === "cid") named.set(keyOf(program, input.cid), true);
      }
    }
    return { steps, ...(next !== undefined && { next: next.recordCid }) };
  }

  /** Tries once more with its workers when nobody who is connected has what it needs. */
  async function joined<T>(program: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (signal.aborted || !isSprfError(error, "CONTENT_NOT_FOUND")) throw error;
      await join(program, { signal });
      return await work();
    }
  }

  function linkOf(program: string, recordCid: string): PageStart {
    const link = known.get(keyOf(program, recordCid));
    if (link !== undefined) return link;
    throw new SprfError("INVALID_INPUT", `${recordCid} is no step of ${program} that was shown: begin with the newest`);
  }

  async function viewOf(account: SmartAccount, signal: AbortSignal): Promise<ProgramView> {
    const { id, workers } = account;
    const { recordCid, envelope } = await findTip(ledger, account, { signal });
    const page = await readPage(id, { recordCid, envelope, workers }, signal);
    const accountUrl = explorerUrl(networkPassphrase, "account", id);
    return {
      program: id,
      network: { passphrase: networkPassphrase, isPublic: accountUrl !== undefined },
      ...(accountUrl !== undefined && { accountUrl }),
      engine: account.program.kind,
      image: imageText(account),
      state: account.state,
      sequence: account.sequence.toString(),
      ledger: account.stateLedger,
      baseFeeStroops: account.baseFeeStroops.toString(),
      gasPriceStroops: account.gasPriceStroops.toString(),
      spendableStroops: account.spendableStroops.toString(),
      ...(account.owner !== undefined && { owner: account.owner }),
      workers: workers.map(({ address, ledgerKey }) => ({ address, ledgerKey })),
      majority: majorityOf(workers.length),
      ...page,
    };
  }

  return {
    async *views(program, { signal }) {
      demandAddress(program);
      let last: ProgramView | undefined;
      // The history is read again only where the account has moved on.
      const read = async (): Promise<ProgramView> => {
        const account = await loadSmartAccount(ledger, program, { signal });
        const spendableStroops = account.spendableStroops.toString();
        const isSame = last?.sequence === account.sequence.toString() && last.state === account.state;
        last = last !== undefined && isSame ? { ...last, spendableStroops } : await viewOf(account, signal);
        return last;
      };
      await join(program, { signal });
      yield* viewsByLooking(read, { clock, everyMs: lookMs, signal });
    },
    async page(program, after, { signal }) {
      return await readPage(program, linkOf(program, after), signal);
    },
    async rerun(program, recordCid, { signal }) {
      const link: Link = linkOf(program, recordCid);
      const view = await rerun.run(program, link, { signal });
      if (view.problem?.code !== "CONTENT_NOT_FOUND") return view;
      await join(program, { signal });
      return await rerun.run(program, link, { signal });
    },
    async content(program, cid, { signal }) {
      if (named.get(keyOf(program, cid)) === undefined) {
        throw new SprfError("INVALID_INPUT", `${cid} is named by no step of ${program} that was shown`);
      }
      return await joined(program, signal, async () => {
        const shown: Uint8Array[] = [];
        let bytes = 0;
        let length = 0;
        for await (const part of content.get(cid, { maxBytes: MAX_CONTENT_BYTES, signal })) {
          length += part.length;
          if (bytes >= MAX_TEXT_BYTES) continue;
          shown.push(part);
          bytes += part.length;
        }
        return bytesView(concatBytes(...shown), length);
      });
    },
  };
}

function demandAddress(program: string): void {
  if (StrKey.isValidEd25519PublicKey(program)) return;
  throw new SprfError("INVALID_INPUT", "expected a smart account: an address of the ledger, G...");
}

function imageText({ image: { address, digest } }: SmartAccount): string {
  return digest === undefined ? address : `${address}@sha256:${digest}`;
}

function keyOf(program: string, cid: string): string {
  return `${program} ${cid}`;
}
