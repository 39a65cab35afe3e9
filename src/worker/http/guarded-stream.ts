import { SprfError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";

/** Streams that may be open at once, each for as long as its reader takes something from it now and then. */
export interface StreamSlots {
  /**
   * @param breakOff ends the connection below, so that the reader sees no proper end; without it the stream itself fails
   * @throws SprfError `WORKER_BUSY` when all are taken
   */
  open(source: AsyncGenerator<Uint8Array>, breakOff?: (error: unknown) => void): ReadableStream<Uint8Array>;
}

/** Bounds what readers can hold: `maxOpen` streams, each closed when nothing was taken for `idleMs`. */
export function createStreamSlots(
  { clock }: { readonly clock: Clock },
  { maxOpen, idleMs }: { readonly maxOpen: number; readonly idleMs: number },
): StreamSlots {
  let open = 0;
  return {
    open(source, breakOff) {
      if (open >= maxOpen) throw new SprfError("WORKER_BUSY", `${open} downloads are running already`);
      open += 1;
      let waiting = new AbortController();
      let closed = false;
      const close = async (): Promise<void> => {
        if (closed) return;
        closed = true;
        open -= 1;
        waiting.abort();
        await source.return(undefined);
      };
      const fail = (controller: ReadableStreamDefaultController<Uint8Array>, error: unknown): void => {
        if (breakOff === undefined) {
          controller.error(error);
          return;
        }
        breakOff(error);
        controller.close();
      };
      const expectReader = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
        waiting = new AbortController();
        clock.sleep(idleMs, { signal: waiting.signal }).then(
          async () => {
            await close();
            fail(controller, new SprfError("TIMEOUT", `nothing was taken for ${idleMs} ms`));
          },
          () => undefined,
        );
      };
      return new ReadableStream<Uint8Array>(
        {
          start: expectReader,
          async pull(controller) {
            waiting.abort();
            try {
              const next = await source.next();
              if (closed) return;
              if (next.done === true) {
                await close();
                controller.close();
                return;
              }
              controller.enqueue(next.value);
              expectReader(controller);
            } catch (error) {
              await close();
              fail(controller, error);
            }
          },
          cancel: close,
        },
        { highWaterMark: 0 },
      );
    },
  };
}
