// Shapes shared by the modules; read by editors and by `tsc`, never by the browser.
// What plugins get too is described in one place, which stands alone because it is written beside plugins.
export type { Field, Grant, Model, Row, Signal } from "./sdk";
