// The time zone that a person chose in My account, for what is written as a time of day: reminders, schedules.
import { computed, signal } from "./vendor/preact.js";

export const PREFERENCE = "time_zone";
export const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
/** "" where the person chose none. */
export const chosenZone = signal("");
/** The zone that the person chose, else this browser's. */
export const timeZone = computed(() => chosenZone.value || browserZone);

/** @param {{key: string, value: unknown}[]} preferences all of a person's */
export function takeZone(preferences) {
  const value = preferences.find((row) => row.key === PREFERENCE)?.value;
  chosenZone.value = typeof value === "string" ? value : "";
}
