import type { Keypair } from "@stellar/stellar-sdk";

import type { CollectingContentStore } from "../../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import { SprfError } from "../../../src/errors.ts";
import { workerKeyOf } from "../scene-worker.ts";
import { createLife, type Life } from "./life.ts";
import type { Endpoint } from "./network.ts";
import { createWorkerService, type ServiceInit, type WorkerService } from "./worker-service.ts";

/** A worker whose process can be killed at any step and is started again on what its disk holds. */
export interface SimulatedWorker {
  readonly n: number;
  readonly url: string;
  readonly ledgerKey: Keypair;
  readonly isLiar: boolean;
  /** Its disk: outlives its process. */
  readonly content: CollectingContentStore;
  /** Undefined while it is down. */
  endpoint(): Endpoint | undefined;
  /** `kill -9` */
  kill(why: string): void;
  /** An agreement binds it to a program. */
  follow(program: string): void;
  /** Starts its process, to be killed after so many steps, or on the disk of a machine that lost its store. */
  start(options: { readonly stepsLeft: number | undefined; readonly hasLostStore: boolean }): void;
}

export interface SimulatedWorkerInit extends ServiceInit {
  readonly isLiar: boolean;
  onKilled(why: string): void;
  onBroken(error: unknown): void;
}

export function createSimulatedWorker(init: SimulatedWorkerInit): SimulatedWorker {
  const { n, content } = init;
  const url = `http://worker-${n}.simulation`;
  const ledgerKey = workerKeyOf(n);
  let store = createMemoryStore();
  let running: Endpoint | undefined;
  let service: WorkerService | undefined;
  let life: Life | undefined;

  return {
    n,
    url,
    ledgerKey,
    isLiar: init.isLiar,
    content,
    endpoint: () => running,
    kill: (why) => life?.kill(why),
    start({ stepsLeft, hasLostStore }) {
      if (hasLostStore) store = createMemoryStore();
      const { promise: cut, reject } = Promise.withResolvers<never>();
      // Nobody may be connected.
      cut.catch(() => undefined);
      const own = createLife({
        stepsLeft,
        onKilled: (why) => {
          running = undefined;
          reject(new SprfError("WORKER_UNREACHABLE", `${url}: connection reset`));
          // What it still does is refused; this ends the loops that would try for ever.
          ending.stop();
          init.onKilled(why);
        },
      });
      const ending = createWorkerService(init, { life: own, ledgerKey, store });
      life = own;
      service = ending;
      ending.start().then(
        () => {
          if (own.isAlive) running = { app: ending.app, cut };
        },
        (error: unknown) => {
          if (own.isAlive) init.onBroken(error);
        },
      );
    },
    follow: (program) => service?.follow(program),
  };
}
