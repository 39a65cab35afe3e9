import { createMemoryDisk, createMemoryRecordLog } from "../../../../src/adapters/record-log/memory.ts";
import { recordLogCompliance } from "../../../compliance/record-log.ts";

recordLogCompliance("memory", async () => {
  const disk = createMemoryDisk();
  return async () => createMemoryRecordLog(disk);
});
