import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { storeCompliance } from "../../../compliance/store.ts";

storeCompliance("memory", async () => createMemoryStore());
