import { execute, type ExecuteComponents, type ExecutionResult } from "../../../src/client/execute.ts";
import { resume } from "../../../src/client/resume.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { isSprfError, type SprfError } from "../../../src/errors.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { toHex, utf8 } from "../../../src/utils/bytes.ts";
import { hashRequest, type SignedRequest } from "../../../src/wire/execution-request.ts";
import type { SeededRandom } from "../seeded-random.ts";
import { createLife, livingClock, livingLedger, livingWorkerApi } from "./life.ts";

/** One thing that a user wants to be run, and how far it has come: what the user's disk holds of it. */
export interface Task {
  readonly program: string;
  readonly input: string;
  readonly form: "direct" | "prepaid";
  readonly maxGas: bigint;
  /** Known from before anything was paid. */
  made?: MadeRequest;
  outcome?: ExecutionResult | SprfError;
}

/** What the client says to keep. */
export interface MadeRequest {
  readonly signed: SignedRequest;
  readonly payment: string;
  readonly atMs: number;
}

export interface SimulatedUserInit {
  readonly name: string;
  readonly wallet: Wallet;
  readonly tasks: readonly Task[];
  readonly random: SeededRandom;
  readonly clock: Clock;
  readonly components: ExecuteComponents;
  /** How often the user's process is killed. */
  readonly kills: number;
  readonly note: (what: string) => void;
}

/** Long enough that the answers can be asked for again when all is over. */
const VALID_SECONDS = 1_800;
/** After its transition can land at last (the payment's 60 s, then 120 s), a request is given up. */
const PATIENCE_MS = 240_000;
const PAUSE_MS = 1_000;
const MORE_PAUSE_MS = 4_000;
const THINKING_MS = 8_000;
const MOST_STEPS = 60;
const DOWN_MS = 10_000;
/** What no second try mends. */
const FINAL_CODES: ReadonlySet<string> = new Set([
  "PROGRAM_REJECTED",
  "OUT_OF_GAS",
  "REQUEST_STATE_MOVED",
  "OVERTAKEN",
  "TOO_LATE_TO_LAND",
]);

/**
 * A user who does one task after the other and goes on after each crash with what is on the disk, as the client's documentation
 * says: `resume` for what was signed. Resolves when every task has its outcome.
 */
export async function simulateUser(init: SimulatedUserInit): Promise<void> {
  const { random, clock } = init;
  let killsLeft = init.kills;
  for (;;) {
    const { promise: killed, resolve } = Promise.withResolvers<"killed">();
    const life = createLife({
      stepsLeft: killsLeft > 0 ? random.below(MOST_STEPS) : undefined,
      onKilled: (why) => {
        init.note(`killed ${why}`);
        resolve("killed");
      },
    });
    const components = {
      ...init.components,
      clock: livingClock(init.components.clock, life),
      ledger: livingLedger(init.components.ledger, life),
      workerApi: livingWorkerApi(init.components.workerApi, life),
    };
    const done = doTasks({ ...init, components, clock: components.clock }).catch((error: unknown) => {
      if (life.isAlive) throw error;
    });
    if ((await Promise.race([done, killed])) !== "killed") return;
    killsLeft -= 1;
    await clock.sleep(random.below(DOWN_MS));
    init.note("started");
  }
}

async function doTasks(init: SimulatedUserInit): Promise<void> {
  for (const task of init.tasks) {
    if (task.outcome !== undefined) continue;
    if (task.made === undefined) await init.clock.sleep(init.random.below(THINKING_MS));
    task.outcome = await doTask(init, task);
    const said = task.outcome instanceof Error ? task.outcome.code : task.outcome.answer.newState;
    init.note(`${task.input || "read"}: ${said}`);
  }
}

async function doTask(init: SimulatedUserInit, task: Task): Promise<ExecutionResult | SprfError> {
  const { clock, random } = init;
  for (;;) {
    try {
      return await tryTask(init, task);
    } catch (error) {
      // A user must never see anything else.
      if (!isSprfError(error) || error.code === "INTERNAL") throw error;
      if (isHopeless(error, task, clock.now())) return error;
      // Nothing was paid and nothing will be: the next try is a new request.
      if (error.code === "PAYMENT_NOT_FOUND") delete task.made;
    }
    await clock.sleep(PAUSE_MS + random.below(MORE_PAUSE_MS));
  }
}

async function tryTask(init: SimulatedUserInit, task: Task): Promise<ExecutionResult> {
  const { wallet, components, clock } = init;
  if (task.made !== undefined) {
    init.note(`resumes ${task.input || "read"}`);
    return await resume(components, { ...task.made, wallet });
  }
  const { program, input, form, maxGas } = task;
  const bytes = new Uint8Array(utf8(input));
  return await execute(
    components,
    {
      program,
      input: { bytes },
      wallet,
      maxGas,
      validSeconds: VALID_SECONDS,
      ...(form === "prepaid" ? { form } : {}),
    },
    {
      onProgress(step) {
        if (step.step !== "paying") return;
        task.made = { signed: step.signed, payment: step.payment, atMs: clock.now() };
        init.note(`pays for ${input || "read"} by ${toHex(hashRequest(step.signed.request)).slice(0, 8)}`);
      },
    },
  );
}

function isHopeless(error: SprfError, { made }: Task, nowMs: number): boolean {
  return FINAL_CODES.has(error.code) || (made !== undefined && nowMs - made.atMs > PATIENCE_MS);
}
