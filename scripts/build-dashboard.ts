// Builds the dashboard's app ahead of its first start, for an image from which development packages are removed afterwards.
import { buildDashboard } from "../src/create-dashboard.ts";

await buildDashboard();
