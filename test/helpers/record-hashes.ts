import { fromLogEntry } from "../../src/channel/log-entries.ts";
import type { ChannelHistory } from "../../src/channel/verify.ts";
import { fromHex, toHex } from "../../src/utils/bytes.ts";
import { hashRecord } from "../../src/wire/channel/record.ts";
import { decodeRecordBody, headerOf } from "../../src/wire/channel/record-body.ts";

/** Hashes by height of what a log has kept since `genesisHash`, as it stands at its end. */
export async function recordHashesOf(
  history: ChannelHistory,
  { channel, genesisHash }: { readonly channel: bigint; readonly genesisHash: string },
): Promise<readonly string[]> {
  const hashes = [genesisHash];
  for await (const entry of history.entries()) {
    const logged = fromLogEntry(entry);
    if (logged.kind === "cut") hashes.length = logged.height + 1;
    if (logged.kind !== "batch" && logged.kind !== "shown") continue;
    const { term, first, records } = logged.kind === "batch" ? logged.batch : logged.run;
    for (const [index, packed] of records.entries()) {
      const previous = fromHex(hashes[first + index - 1]!);
      hashes[first + index] = toHex(
        hashRecord(headerOf(decodeRecordBody(packed), { channel, term, height: first + index, previous })),
      );
    }
  }
  return hashes;
}
