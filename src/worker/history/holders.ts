import type { ContentStore } from "../../ports/content-store.ts";

/** Names under which a worker keeps content. */
export const historyOf = (program: string): string => `history/${program}`;
export const statesOf = (program: string): string => `state/${program}`;

const RECENT = "recent/";
const BLOCK_DIGITS = 12;
const MS_DIGITS = 15;
/** Runs within one step of time share a holder. */
const STEP_MS = 60_000;

/** Who keeps what was made or let go of just now: outcomes may rest on it until the epoch of that block is final. */
export function recentOf({ block, nowMs }: { readonly block: number; readonly nowMs: number }): string {
  const stepMs = Math.floor(nowMs / STEP_MS) * STEP_MS;
  return `${RECENT}${String(block).padStart(BLOCK_DIGITS, "0")}/${String(stepMs).padStart(MS_DIGITS, "0")}`;
}

/** Lets go of all that was recent before this block and this time, at most `limit` at a time. Resolves with how many. */
export async function releaseRecent(
  content: ContentStore,
  { block, atMs, limit }: { readonly block: number; readonly atMs: number; readonly limit: number },
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<number> {
  let released = 0;
  for await (const { holder, cid } of content.held(RECENT, { signal })) {
    const [, heldBlock = "0", heldMs = "0"] = holder.split("/");
    if (Number(heldBlock) >= block || released >= limit) break;
    if (Number(heldMs) + STEP_MS > atMs) continue;
    await content.unpin(cid, { holder, signal });
    released += 1;
  }
  return released;
}

/** Lets go of all that a holder keeps. */
export async function releaseAll(
  content: ContentStore,
  holder: string,
  { signal, except }: { readonly signal?: AbortSignal | undefined; readonly except?: ReadonlySet<string> } = {},
): Promise<readonly string[]> {
  const released: string[] = [];
  for await (const held of content.held(`${holder} `, { signal })) {
    if (except?.has(held.cid) === true) continue;
    await content.unpin(held.cid, { holder, signal });
    released.push(held.cid);
  }
  return released;
}
