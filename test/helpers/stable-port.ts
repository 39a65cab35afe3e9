import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that systems give to whoever asks for any port, from 32,768 on. */
const [LOWEST, HIGHEST] = [16_384, 32_767];

/** A port of loopback that stays free while whoever has it is away: nobody is given it who asks for any, to listen or to dial. */
export async function stablePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    const server = createServer();
    try {
      await once(server.listen(port, "127.0.0.1"), "listening");
    } catch {
      continue;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}
