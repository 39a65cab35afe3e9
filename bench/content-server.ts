// A process that serves one file in every way that bench/content.ts compares.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { sampleBytes } from "../test/helpers/content-process.ts";
import { startGateway } from "../test/helpers/gateway-server.ts";
import { startHeliaNode } from "../test/helpers/helia-node.ts";

/** What the parent process is told. */
export interface ContentServer {
  readonly multiaddrs: readonly string[];
  readonly gatewayUrl: string;
  /** The bytes as they are, from memory. */
  readonly rawUrl: string;
  readonly cid: string;
}

if (import.meta.main) {
  const [directory = "", length = "0", turn = ""] = process.argv.slice(2);
  const bytes = sampleBytes(`bench ${turn}`, Number(length));
  const { node, content } = await startHeliaNode(`server ${length}`, directory, [], Number(length) + 1);
  const cid = await content.putFile(bytes);
  const gateway = await startGateway(content);
  const raw = createServer((_request, response) => response.end(bytes)).listen(0, "127.0.0.1");
  await new Promise((resolve) => raw.once("listening", resolve));
  const told: ContentServer = {
    multiaddrs: node.multiaddrs(),
    gatewayUrl: gateway.url,
    rawUrl: `http://127.0.0.1:${(raw.address() as AddressInfo).port}/`,
    cid,
  };
  process.send?.(told);
  process.on("disconnect", () => process.exit(0));
}
