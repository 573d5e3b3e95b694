// Reads the JUnit reports of the three test runners, which differ in little.
import { XMLParser } from "fast-xml-parser";

export interface TestResult {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly seconds: number;
  /** Its file, where the runner says so. */
  readonly file?: string;
}

interface Element {
  readonly name?: string;
  readonly file?: string;
  readonly time?: string;
  readonly failure?: unknown;
  readonly error?: unknown;
  readonly skipped?: unknown;
  readonly testcase?: readonly Element[];
  readonly testsuite?: readonly Element[];
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "",
  parseAttributeValue: false,
  // Names of tests may be thousands of entities in all, none of which is expanded further.
  processEntities: { enabled: true, maxTotalExpansions: 1_000_000, maxExpandedLength: 10_000_000 },
  isArray: (name) => name === "testcase" || name === "testsuite",
});

/** The tests of a report, in order. Throws for a report that is not complete. */
export function testsOf(xml: string): TestResult[] {
  const { testsuites } = parser.parse(xml, true) as { testsuites?: Element | "" };
  return testsuites ? within(testsuites) : [];
}

function within({ testcase = [], testsuite = [] }: Element): TestResult[] {
  return [...testcase.map(toResult), ...testsuite.flatMap(within)];
}

function toResult(test: Element): TestResult {
  const outcome = test.failure !== undefined || test.error !== undefined
    ? "failed"
    : test.skipped !== undefined
    ? "skipped"
    : "passed";
  // Node escapes quotes twice.
  const name = (test.name ?? "").replaceAll("&quot;", '"');
  return { name, outcome, seconds: Number(test.time ?? 0), file: test.file };
}
