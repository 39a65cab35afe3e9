import { createMemoryDisk, createMemoryRecordLog, type MemoryDisk } from "../../../src/adapters/record-log/memory.ts";
import type { LogEntry, RecordLog } from "../../../src/ports/record-log.ts";
import { concatBytes } from "../../../src/utils/bytes.ts";
import type { SeededRandom } from "../seeded-random.ts";
import { never, type Life, type SimulatedTime } from "./time.ts";

const SLOW_SHARE = 30;

/** A disk that outlives its processes, without what was not synced when they died. */
export interface SimulatedDisk {
  open(life: Life): RecordLog;
  /** The process is dead: of what it was writing, a beginning is there. */
  crash(): void;
  /** What is on it now. */
  copy(): MemoryDisk;
}

export interface SimulatedDiskInit {
  readonly time: SimulatedTime;
  readonly random: SeededRandom;
  /** A sync takes 1 ms to this; once in a while twenty times as long. */
  readonly syncMs: number;
  /** Hears of what is on the disk from now on, in its order. */
  readonly onWritten?: (entries: readonly LogEntry[]) => void;
  readonly onSaved?: (height: number, bytes: Uint8Array) => Promise<void>;
}

interface Append {
  readonly entries: readonly LogEntry[];
  readonly done: PromiseWithResolvers<void>;
}

export function createSimulatedDisk({ time, random, syncMs, onWritten, onSaved }: SimulatedDiskInit): SimulatedDisk {
  const durable = createMemoryDisk();
  let writing: Append[] = [];
  let waiting: Append[] = [];

  const delayMs = (): number => (1 + random.below(syncMs)) * (random.below(SLOW_SHARE) === 0 ? 20 : 1);

  function write(entries: readonly LogEntry[]): void {
    durable.entries.push(...entries);
    onWritten?.(entries);
  }

  function sync(life: Life): void {
    if (writing.length > 0 || waiting.length === 0) return;
    [writing, waiting] = [waiting, []];
    time.after(delayMs(), () => {
      if (!life.isAlive) return;
      const done = writing;
      writing = [];
      write(done.flatMap(({ entries }) => entries));
      // A process may die with what it wrote being there, and not hear of it.
      if (!life.step()) return;
      for (const append of done) append.done.resolve();
      sync(life);
    });
  }

  return {
    open(life) {
      const log = createMemoryRecordLog(durable);
      return {
        ...log,
        async append(entries) {
          if (!life.step()) return await never();
          const append: Append = {
            entries: entries.map(({ height, bytes }) => ({ height, bytes: new Uint8Array(bytes) })),
            done: Promise.withResolvers(),
          };
          waiting.push(append);
          sync(life);
          await append.done.promise;
        },
        async saveSnapshot(height, parts) {
          const all: Uint8Array[] = [];
          for await (const part of parts) all.push(part);
          const { promise, resolve } = Promise.withResolvers<void>();
          time.after(delayMs(), () => {
            if (!life.step()) return;
            durable.snapshots.set(height, concatBytes(...all));
            resolve();
          });
          await promise;
          await onSaved?.(height, concatBytes(...all));
        },
        async prune(height) {
          if (!life.step()) return await never();
          await log.prune(height);
        },
      };
    },
    crash() {
      const lost = [...writing, ...waiting].flatMap(({ entries }) => entries);
      write(lost.slice(0, random.below(lost.length + 1)));
      writing = [];
      waiting = [];
    },
    copy: () => ({ entries: [...durable.entries], snapshots: new Map(durable.snapshots) }),
  };
}
