import { connect } from "node:net";

import type { Prober } from "../../ports/prober.ts";
import { abortError, throwIfAborted } from "../../utils/abort.ts";

/** Opens a TCP connection and closes it at once. */
export const tcpProber: Prober = {
  async connects(host, port, { timeoutMs, signal }) {
    throwIfAborted(signal);
    const opened = Promise.withResolvers<boolean>();
    const socket = connect({ host, port, timeout: timeoutMs });
    const onAbort = (): void => {
      if (signal !== undefined) opened.reject(abortError(signal));
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => opened.resolve(true));
    socket.once("timeout", () => opened.resolve(false));
    socket.once("error", () => opened.resolve(false));
    try {
      return await opened.promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      socket.destroy();
    }
  },
};
