/** As much of KaTeX as the lab uses. */
declare const katex: {
  renderToString(formula: string, options: {
    displayMode: boolean; throwOnError: boolean; output: string; strict: string; trust: (context: { command: string }) => boolean;
  }): string;
};
export default katex;
