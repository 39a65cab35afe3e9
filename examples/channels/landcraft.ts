// A land of LandCraft in a terminal: shows it after each tick, and has this account's hero do what keys say.
// npx node examples/channels/landcraft.ts <channel> <url of a member's node> --account <index>
//   --keys <keys>   presses these, one a tick, instead of reading the keyboard; a dot waits. Ends when the hero rests.
//   --ticks <n>     ends after so many ticks
//   --json          prints each tick as a line of JSON instead of drawing the land
import {
  createLandGame,
  drawLand,
  formatLand,
  isSprfError,
  keysOf,
  landCraftProgramAbi,
  orderOfKey,
  redraw,
  type LandOrder,
  type LandSight,
} from "../../src/index.ts";
import { openProgram } from "./open-program.ts";

const ENTER_SCREEN = "\u001b[?1049h\u001b[?25l";
const LEAVE_SCREEN = "\u001b[?25h\u001b[?1049l";
const CTRL_C = "\u0003";

const program = await openProgram(landCraftProgramAbi, {
  keys: { type: "string" },
  ticks: { type: "string" },
  json: { type: "boolean" },
});
const { client, account, values } = program;
const game = createLandGame(client, account);
const script = typeof values["keys"] === "string" ? [...keysOf(values["keys"])] : undefined;
const mostTicks = values["ticks"] === undefined ? Infinity : Number(values["ticks"]);
const isJson = values["json"] === true;
const isScreen = process.stdout.isTTY && !isJson;
const isPlayed = script === undefined && process.stdin.isTTY;

const ending = new AbortController();
let message = "";
let shown: readonly string[] = [];
/** Of keys pressed while an order is on its way, the last one counts. */
let next: LandOrder | undefined;
let isSending = false;
let failure: Error | undefined;

async function send(order: LandOrder): Promise<void> {
  next = order;
  if (isSending) return;
  isSending = true;
  try {
    for (let now: LandOrder | undefined = next; now !== undefined; now = next) {
      next = undefined;
      message = "";
      await game.order(now, { signal: ending.signal });
      if (now.deed === "goHome") message = "on the way home: once that is settled, `npx sprf channel claim` sends all";
    }
  } catch (error) {
    if (!isSprfError(error)) throw error;
    if (!ending.signal.aborted) message = error.message;
  } finally {
    isSending = false;
  }
}

function press(key: string): void {
  if (key === "q" || key === CTRL_C) return ending.abort();
  const order = orderOfKey(key);
  if (order === undefined) return;
  send(order).catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(String(error));
    ending.abort();
  });
}

function show(sight: LandSight): void {
  if (isJson) {
    console.log(JSON.stringify({ ...sight, fields: formatLand(sight.fields) }));
  } else if (isScreen) {
    const lines = drawLand(sight, { account, isColoured: true, message });
    process.stdout.write(redraw(shown, lines));
    shown = lines;
  }
}

/** All keys are pressed, and the hero has done what they said. */
function isPlayedOut({ heroes }: LandSight): boolean {
  if (script === undefined || isSending || mostTicks !== Infinity) return false;
  const hero = heroes.find(({ owner }) => owner === account);
  return hero === undefined || hero.deed === "rest";
}

if (isScreen) process.stdout.write(ENTER_SCREEN);
if (isPlayed) {
  process.stdin.setRawMode(true).setEncoding("utf8");
  process.stdin.on("data", (input: string) => keysOf(input).forEach(press));
}
process.once("SIGINT", () => ending.abort());
process.once("SIGTERM", () => ending.abort());
let last: LandSight | undefined;
let firstTick: number | undefined;
try {
  for await (const sight of game.sights({ signal: ending.signal })) {
    show(sight);
    const isSameTick = sight.tick === last?.tick;
    last = sight;
    if (isSameTick) continue;
    firstTick ??= sight.tick;
    if (sight.tick - firstTick >= mostTicks) break;
    const key = script?.shift();
    if (key !== undefined) press(key);
    else if (isPlayedOut(sight)) break;
  }
} catch (error) {
  if (!ending.signal.aborted) throw error;
} finally {
  ending.abort();
  if (isPlayed) process.stdin.setRawMode(false).pause();
  if (isScreen) process.stdout.write(LEAVE_SCREEN);
  if (!isJson && last !== undefined) console.log(drawLand(last, { account, isColoured: isScreen, message }).join("\n"));
  await program.close();
}
if (failure !== undefined) throw failure;
