// @vitest-environment happy-dom

import { beforeAll, expect, test } from "vitest";
import { speak } from "../../src/text/catalogue.ts";
import { clinicalDate, day, distance, number, span } from "../../src/text/moments.ts";

beforeAll(() => speak("en"));

test.each([
  ["2015", "2015"],
  ["2015-02", "Feb 2015"],
  ["2015-02-07", "7 Feb 2015"],
  ["2015-02-07T23:30:00-05:00", "7 Feb 2015"],
  ["2015-02-07T00:10:00+13:00", "7 Feb 2015"],
  ["yesterday", "yesterday"],
  ["99999-99-99", "99999-99-99"],
  ["", ""],
])("the clinical date %j reads %j, whatever the reader's time zone", (written, shown) => {
  expect(clinicalDate(written)).toBe(shown);
});

test("the days of Chinese readers are written in Chinese", async () => {
  await speak("zh");
  expect(clinicalDate("2015-02-07")).toBe("2015年2月7日");
  await speak("en");
});

test.each([
  [90 * 86400, "90 days"],
  [86400, "24 hours"],
  [3600, "1 hour"],
  [90, "1.5 minutes"],
  [5, "5 seconds"],
])("%d seconds are %j", (seconds, words) => {
  expect(span(seconds)).toBe(words);
});

test("distances look both ways", () => {
  expect(distance(1000 + 3 * 86400, 1000)).toBe("in 3 days");
  expect(distance(1000 - 7200, 1000)).toBe("2 hours ago");
});

test("impossible moments are shown as they are instead of failing", () => {
  expect(day(1e20)).toBe("100000000000000000000");
  expect(number(1234.5)).toBe("1,234.5");
});
