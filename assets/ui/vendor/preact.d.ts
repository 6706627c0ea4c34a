// The shapes of what vendor/preact.js exports; read by editors and by `tsc`, never by the browser.
export type Child = any;
export type Component_<Props = any> = ((props: Props) => Child) | (new () => Component<Props>);
export interface Ref<T> { current: T }
export interface Signal<T> { value: T; peek(): T; subscribe(heard: (value: T) => void): () => void }
export interface ReadonlySignal<T> { readonly value: T; peek(): T; subscribe(heard: (value: T) => void): () => void }

/** The base of components that contain what their children throw. */
export class Component<Props = any, State = any> {
  state: State;
  props: Props;
  setState(change: Partial<State> | ((before: State) => Partial<State>)): void;
  forceUpdate(): void;
  render(props: any, state: any): Child;
}
export const Fragment: (props: { children?: Child }) => Child;

export function html(words: TemplateStringsArray, ...values: any[]): Child;
export function h(kind: any, props: any, ...children: Child[]): Child;
export function render(what: Child, place: Element): void;
export function createContext<T>(value: T): any;
export function createRef<T>(): Ref<T | null>;

export function useCallback<Work extends (...given: any[]) => any>(work: Work, when: readonly unknown[]): Work;
export function useContext<T = any>(context: any): T;
export function useEffect(work: () => void | (() => void), when?: readonly unknown[]): void;
export function useLayoutEffect(work: () => void | (() => void), when?: readonly unknown[]): void;
export function useId(): string;
export function useMemo<T>(work: () => T, when: readonly unknown[]): T;
export function useRef<T>(value: T): Ref<T>;
export function useState<T>(value: T | (() => T)): [T, (next: T | ((before: T) => T)) => void];
export function useState<T>(): [T | undefined, (next: T | undefined | ((before: T | undefined) => T | undefined)) => void];

export function signal<T>(value: T): Signal<T>;
export function computed<T>(work: () => T): ReadonlySignal<T>;
export function effect(work: () => void | (() => void)): () => void;
export function batch<T>(work: () => T): T;
export function untracked<T>(work: () => T): T;
export function useSignal<T>(value: T): Signal<T>;
export function useComputed<T>(work: () => T): ReadonlySignal<T>;
export function useSignalEffect(work: () => void | (() => void)): void;
