// Shapes shared by the modules; read by editors and by `tsc`, never by the browser.
export interface Signal<T> { value: T; peek(): T }
export type Grant = "none" | "own" | "all";
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
export interface Model {
  name: string;
  label: string;
  label_plural: string;
  description: string;
  group: "yours" | "plugins" | "system";
  title_field: string | null;
  made_here: boolean;
  history: boolean;
  searchable: string[];
  verbs: Record<"list" | "read" | "create" | "update" | "delete", Grant>;
  fields: Field[];
}
export type Row = Record<string, any> & { id: number };
