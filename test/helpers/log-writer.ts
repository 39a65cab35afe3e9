import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { openFileRecordLog } from "../../src/adapters/record-log/file.ts";

// Appends to the log in the given folder for ever, and says each height once it is kept: for tests that kill it.
const [directory = ""] = process.argv.slice(2);
if (directory !== "") {
  const log = await openFileRecordLog({ directory, logger: createMemoryLogger(), segmentBytes: 4_096 });
  for (let height = 1; ; height += 1) {
    await log.append([{ height, bytes: new Uint8Array(200).fill(height % 256) }]);
    process.stdout.write(`${height}\n`);
  }
}
