/** As much of KaTeX as the lab uses. */
declare const katex: {
  renderToString(formula: string, options: { displayMode: boolean; throwOnError: boolean; output: string }): string;
};
export default katex;
