export { bounded, type Bounds, watch } from "../waits/bounded.ts";
