// What sdk.js gives to the pages of plugins. `gridbear plugin types` puts it beside a plugin, for editors and `tsc`.

/** Counts up when something is added; what there was keeps its meaning. */
export const sdk: 4;

/** What is drawn: markup from `html`, a text, a number, a list of these, or nothing. */
export type Child = any;
/** A function from properties to markup, or a class that extends Preact's Component. */
export type Drawn<Props = any> = ((props: Props) => Child) | (new (props?: Props) => any);
export type Verb = "list" | "read" | "create" | "update" | "delete";
export type Grant = "none" | "own" | "all";
export type Row = { id: number } & Record<string, any>;

// Adding something: only while ui/main.js is imported. A bad or taken name raises Error.

/** `name`: a-z, 0-9 and -; also the address, `#/name`. `icon`: a name in icons.svg. `admin`: shown to admins alone, which guards nothing. */
export function page(page: {
  name: string; label: string; icon?: string; Page: Drawn<any>; rail?: "auto" | "open"; admin?: boolean; foot?: boolean;
}): void;
/** A card on the start page, under its own heading; `wide`: in the main column. */
export function card(card: { name: string; label: string; Card: Drawn<any>; wide?: boolean; admin?: boolean }): void;
/** A line of the palette (Ctrl K), with `run` or an `address` from href(). */
export function command(command: {
  name: string; label: string; icon?: string; run?: () => void; address?: string; admin?: boolean;
}): void;
/** How a field of one of the plugin's own models is drawn; manifest.json names it among its `field_widgets`. */
export function widget(widget: {
  model: string;
  field: string;
  cell?: (props: { value: any; field: Field }) => Child;
  Input?: (props: InputProps) => Child;
}): void;
/** How all fields of a type are drawn that GridBear does not know. */
export function registerField(type: string, drawn: FieldType): void;

export interface Field {
  name: string;
  type: string;
  label: string;
  model?: string;
  help?: string | null;
  required: boolean;
  read_only: boolean;
  write_only: boolean;
  create_only: boolean;
  unique?: boolean;
  nullable?: boolean;
  default?: unknown;
  choices?: string[] | null;
  references?: string | null;
  max_length?: number | null;
  minimum?: number | null;
  maximum?: number | null;
  item_type?: string | null;
  accept?: string[];
  max_bytes?: number | null;
}
export interface InputProps {
  id: string;
  field: Field;
  /** What is typed: a text, for numbers too; true or false for a boolean. */
  draft: any;
  set: (draft: any) => void;
  invalid: boolean;
  changed: boolean;
  describedBy?: string;
  isNew: boolean;
  placeholder?: string;
}
export interface FieldType {
  /** How wide its column is at first: c-text, c-long, c-num, c-tag, c-tags, c-rel, c-bool, c-date, c-json; "none" for no column. */
  column: string;
  /** A name from icons.svg, for the head of its column. */
  icon?: string;
  end?: boolean;
  soft?: boolean;
  cell: (value: any, field: Field, about?: any) => Child;
  Input: (props: InputProps) => Child;
  toDraft: (value: any) => any;
  /** Raises Error when the draft can't be read as a value. */
  fromDraft: (draft: any, field: Field) => any;
}
export interface Model {
  name: string;
  label: string;
  label_plural: string;
  /** A name in the set of icons; null: one that suits its fields. */
  icon: string | null;
  description: string;
  group: "yours" | "plugins" | "system";
  title_field: string | null;
  made_here: boolean;
  history: boolean;
  searchable: string[];
  verbs: Record<Verb, Grant>;
  fields: Field[];
}

// Asking the server. Paths begin at GridBear's base path: "/api/v1/notes", "/plugins/weather/api/now".

export interface Answer<Data = any> {
  data: Data;
  /** Of a list: how many there are in all, where that was counted. */
  count: number | null;
  etag: string | null;
  status: number;
}
export interface Options {
  query?: string | URLSearchParams;
  body?: any;
  form?: Record<string, string>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  anonymous?: boolean;
}
/** All of these raise ApiError. */
export const api: {
  get(path: string, options?: Options): Promise<Answer>;
  post(path: string, body?: any, options?: Options): Promise<Answer>;
  put(path: string, body: any, options?: Options): Promise<Answer>;
  patch(path: string, body: any, options?: Options): Promise<Answer>;
  delete(path: string, options?: Options): Promise<Answer>;
};
/** `message` can be shown as it is. */
export class ApiError extends Error {
  constructor(status: number, envelope: any, request: string);
  /** 0 when the server did not answer. */
  status: number;
  code: string;
  fields: Record<string, { code: string; message: string }>;
  requestId: string | null;
  request: string;
  /** Seconds. */
  retryAfter: number | null;
}

export interface Change { model: string; verb: string; id: number }
/** Each change of records of these models, as far as the person may list them, while the component is on the page. */
export function useEvents(models: string[], onChange: (change: Change) => void, onMissed: () => void): void;
/** Calls `load` a moment after changes, once for several that come together. */
export function useFresh(models: string[], load: () => void): void;

// Who, what and where. Read `.value` while drawing, and the component is drawn again when it changes.

export interface Signal<T> { value: T; peek(): T }
export interface ReadonlySignal<T> { readonly value: T; peek(): T }
export interface Person { id: number; username: string; display_name: string | null; role: string; kind: string }
/** Who is signed in. */
export const person: Signal<Person | null | undefined>;
/** Those that the person may see; null until they are known. */
export const models: Signal<Model[] | null>;
/** Counts up each time the server is back; read anew then. */
export const returned: Signal<number>;
/** The zone that the person chose, else the browser's: "Europe/Rome". */
export const timeZone: ReadonlySignal<string>;
/** The base path of the server, "" or "/x". */
export const base: string;
export const route: Signal<{ path: string; parts: string[]; query: URLSearchParams }>;
/** The address of a page of GridBear: href("/data/weather_days", { sort: "-id" }). Empty values are left out. */
export function href(path: string, query?: URLSearchParams | Record<string, string | number | null | undefined>): string;
export function go(address: string, how?: { replace?: boolean }): void;

// Telling and asking the person.

/** A short message at the corner; `action` is a button in it. */
export function say(text: string, kind?: "ok" | "bad", action?: { label: string; run: () => void }): void;
/** A question in a dialog; true when they say yes. `verb` stands on the button. */
export function confirm(question: {
  heading: string; words: string; verb: string; stay?: string; danger?: boolean;
}): Promise<boolean>;
export function Icon(props: { name: string; size?: 14 | 16 | 18 | 20; label?: string; extra?: string }): Child;
export function State(props: { kind: "ok" | "busy" | "off" | "warn" | "bad" | "wait"; children?: any; title?: string }): Child;
/** Words of GridBear's own catalogue; a key that it lacks comes back as it is. */
export function t(key: string, values?: Record<string, string | number>): string;
export function formatNumber(value: number | bigint): string;
/** A day without a time zone: "2026-11-23". */
export function formatDay(day: string): string;
/** A moment in ISO form, in the reader's time zone. */
export function formatExact(iso: string): string;
/** "3 days ago", "in 2 hours". */
export function formatRelative(iso: string): string;

// Preact, its hooks and its signals.

export function html(words: TemplateStringsArray, ...values: any[]): Child;
export const Fragment: (props: { children?: Child }) => Child;
export function useState<T>(value: T | (() => T)): [T, (next: T | ((before: T) => T)) => void];
export function useState<T>(): [T | undefined, (next: T | undefined | ((before: T | undefined) => T | undefined)) => void];
export function useEffect(work: () => void | (() => void), when?: readonly unknown[]): void;
export function useMemo<T>(work: () => T, when: readonly unknown[]): T;
export function useCallback<Work extends (...given: any[]) => any>(work: Work, when: readonly unknown[]): Work;
export function useRef<T>(value: T): { current: T };
export function signal<T>(value: T): Signal<T>;
export function computed<T>(work: () => T): ReadonlySignal<T>;
export function effect(work: () => void | (() => void)): () => void;
export function batch<T>(work: () => T): T;
export function useSignal<T>(value: T): Signal<T>;
export function useComputed<T>(work: () => T): ReadonlySignal<T>;
