import type { MemoryHub } from "../memory-channel-hub.ts";
import { OUSTED } from "./examine.ts";
import type { SimulatedMember, World } from "./member.ts";

const LOOK_MS = 100;

/** Two members accuse the leader of nothing, and one of them leads from then on. */
export async function oust(hub: MemoryHub, order: number, trace: World["trace"]): Promise<void> {
  const { term, leader, members } = hub.office;
  const others = members.filter((account) => account !== leader);
  if (members.length < 3) return;
  const first = others[order % others.length] ?? "";
  const second = others[(order + 1) % others.length] ?? "";
  const punishment = { channel: 1n, term, target: leader, height: 0, recordHash: OUSTED, reason: 4 };
  trace.event("chain", `two oust the leader of term ${term}`);
  await Promise.all([first, second].map(async (account) => await hub.as(account).proposePunishment(punishment)));
}

/** A lie is proven on the chain by one member alone, as the court does it: the liar has the office no longer. */
export function convictLiars({ chain, watch, trace }: World, members: readonly SimulatedMember[]): void {
  let convicted = 0;
  watch.onLie = () => {
    const { term, leader } = chain.hub.office;
    const isGuilty = members.some(({ account, isLiar }) => isLiar && account === leader);
    if (!isGuilty || term === convicted) return;
    convicted = term;
    chain.send("convict", async (hub) => await oust(hub, 0, trace)).catch(() => undefined);
  };
}

/** Tells the watch when a term is in a block. */
export function watchTerms({ chain, time, watch }: World): void {
  let known = chain.hub.office.term;
  const look = (): void => {
    const { term } = chain.hub.office;
    for (; known < term; known += 1) watch.termBegan(known + 1);
    time.after(LOOK_MS, look);
  };
  look();
}
