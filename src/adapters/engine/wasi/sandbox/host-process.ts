import { Errno, ProgramStop } from "./errno.ts";
import type { HostContext, HostFunctions } from "./host-context.ts";

const CLOCKS = 4;
const CLOCK_REALTIME = 0;
const EVENT_BYTES = 32;
const SUBSCRIPTION_BYTES = 48;
const EVENT_CLOCK = 0;
const EVENT_READ = 1;
const EVENT_WRITE = 2;

/** Arguments, environment, clock, randomness, waiting and exit: all fixed by the execution. */
export function processFunctions(
  context: HostContext,
): HostFunctions<
  | "args_get"
  | "args_sizes_get"
  | "environ_get"
  | "environ_sizes_get"
  | "clock_res_get"
  | "clock_time_get"
  | "poll_oneoff"
  | "proc_exit"
  | "random_get"
  | "sched_yield"
> {
  const { memory } = context;
  const args = strings(context, ["program"]);
  const environment = strings(context, context.environment);
  return {
    args_get: args.get,
    args_sizes_get: args.sizes,
    environ_get: environment.get,
    environ_sizes_get: environment.sizes,
    clock_res_get(clock: number, result: number) {
      if (clock >>> 0 >= CLOCKS) throw new Errno("inval");
      memory.writeU64(result, 1_000_000_000n);
    },
    clock_time_get(clock: number, _precision: bigint, result: number) {
      if (clock >>> 0 >= CLOCKS) throw new Errno("inval");
      // Only the calendar has a value; the clocks that measure stand still at 0, because a run has no measurable duration.
      memory.writeU64(result, clock === CLOCK_REALTIME ? context.time : 0n);
    },
    // Every subscription is due at once, in the order given: a clock cannot be waited for, and files never block.
    poll_oneoff(subscriptions: number, events: number, count: number, result: number) {
      if (count === 0) throw new Errno("inval");
      if ((count >>> 0) * SUBSCRIPTION_BYTES > 0xffff_ffff) throw new Errno("fault");
      memory.bytes(subscriptions, count * SUBSCRIPTION_BYTES);
      memory.bytes(events, count * EVENT_BYTES);
      for (let index = 0; index < count >>> 0; index++) {
        const from = (subscriptions >>> 0) + index * SUBSCRIPTION_BYTES;
        const to = (events >>> 0) + index * EVENT_BYTES;
        const userdata = memory.readU64(from);
        const type = memory.readU8(from + 8);
        if (type !== EVENT_CLOCK && type !== EVENT_READ && type !== EVENT_WRITE) throw new Errno("inval");
        memory.bytes(to, EVENT_BYTES).fill(0);
        memory.writeU64(to, userdata);
        memory.writeU8(to + 10, type);
        if (type === EVENT_READ) memory.writeU64(to + 16, BigInt(context.input.bytes.length - context.input.position));
      }
      memory.writeU32(result, count);
    },
    proc_exit(code: number) {
      throw new ProgramStop("exit", code >>> 0);
    },
    random_get(pointer: number, length: number) {
      context.random.fill(memory.bytes(pointer, length));
    },
    sched_yield() {
      return 0;
    },
  };
}

function strings(
  { memory }: HostContext,
  values: readonly string[],
): { get: (list: number, data: number) => void; sizes: (count: number, size: number) => void } {
  const encoded = values.map((value) => Buffer.from(`${value}\0`));
  return {
    get(list, data) {
      let offset = data >>> 0;
      encoded.forEach((bytes, index) => {
        memory.writeU32((list >>> 0) + index * 4, offset);
        memory.bytes(offset, bytes.length).set(bytes);
        offset += bytes.length;
      });
    },
    sizes(count, size) {
      memory.writeU32(count, encoded.length);
      memory.writeU32(
        size,
        encoded.reduce((sum, bytes) => sum + bytes.length, 0),
      );
    },
  };
}
