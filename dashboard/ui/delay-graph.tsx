import type { ChannelMemberView, DelayView } from "../../src/dashboard/channel-types.ts";
import { short } from "../format.ts";

const WIDTH = 560;
const HEIGHT = 340;
const RADIUS = 115;
const DOT = 9;
/** With more members than these the numbers would stand on each other: the table has them. */
const MAX_LABELLED = 7;
/** How far along its line a delay is written, so that crossing lines keep their numbers apart. */
const LABEL_AT = 0.42;

interface Place {
  readonly x: number;
  readonly y: number;
}

/** Members in a circle, and between them how long a message takes, one way. */
export function DelayGraph({
  members,
  delays,
}: {
  readonly members: readonly ChannelMemberView[];
  readonly delays: readonly DelayView[];
}) {
  const places = new Map(members.map(({ account }, index) => [account, placeOf(index, members.length)]));
  const leader = members.find(({ leads }) => leads)?.account;
  return (
    <svg class="graph" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={wordsOf(members, delays)}>
      {pairsOf(delays).map(({ a, b, text }) => {
        const [from, to] = [places.get(a), places.get(b)];
        if (from === undefined || to === undefined) return null;
        const isPath = a === leader || b === leader;
        const label = along(from, to);
        return (
          <g key={`${a}${b}`}>
            <line x1={from.x} y1={from.y} x2={to.x} y2={to.y} class={isPath ? "graph-path" : undefined} />
            {members.length <= MAX_LABELLED && (
              <text x={label.x} y={label.y} text-anchor="middle" dominant-baseline="central" class="graph-delay">
                {text}
              </text>
            )}
          </g>
        );
      })}
      {members.map(({ account, leads, state, joinNumber }) => {
        const { x, y } = places.get(account) ?? { x: 0, y: 0 };
        return (
          <g key={account}>
            <circle
              cx={x}
              cy={y}
              r={DOT}
              class={leads ? "graph-leader" : state === "member" ? undefined : "graph-absent"}
            />
            <text x={x} y={y < HEIGHT / 2 ? y - DOT - 10 : y + DOT + 18} text-anchor="middle">
              {leads ? `leads: ${short(account)}` : members.length > MAX_LABELLED ? joinNumber : short(account)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

function placeOf(index: number, count: number): Place {
  const angle = (index / Math.max(1, count)) * 2 * Math.PI - Math.PI / 2;
  return {
    x: Math.round(WIDTH / 2 + Math.cos(angle) * RADIUS * 1.5),
    y: Math.round(HEIGHT / 2 + Math.sin(angle) * RADIUS),
  };
}

function along(from: Place, to: Place): Place {
  return { x: from.x + (to.x - from.x) * LABEL_AT, y: from.y + (to.y - from.y) * LABEL_AT };
}

/** Both directions of a line as one: those who measured it may say something else. */
function pairsOf(
  delays: readonly DelayView[],
): ReadonlyArray<{ readonly a: string; readonly b: string; readonly text: string }> {
  const pairs = new Map<string, { readonly a: string; readonly b: string; readonly ms: number[] }>();
  for (const { from, to, ms } of delays) {
    const [a = from, b = to] = [from, to].toSorted();
    const pair = pairs.get(`${a}${b}`) ?? { a, b, ms: [] };
    pairs.set(`${a}${b}`, pair);
    pair.ms.push(ms);
  }
  return [...pairs.values()].map(({ a, b, ms }) => {
    const [least, most] = [Math.min(...ms), Math.max(...ms)];
    return { a, b, text: least === most ? `${least} ms` : `${least}–${most} ms` };
  });
}

function wordsOf(members: readonly ChannelMemberView[], delays: readonly DelayView[]): string {
  const leader = members.find(({ leads }) => leads);
  const led = leader === undefined ? "nobody leads" : `${short(leader.account)} leads`;
  const slowest =
    delays.length === 0 ? "no delay is known" : `delays up to ${Math.max(...delays.map(({ ms }) => ms))} ms`;
  return `${members.length} members, ${led}, ${slowest}`;
}
