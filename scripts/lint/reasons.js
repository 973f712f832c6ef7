/** Comments that switch a check off. TypeScript's own are the business of `@typescript-eslint/ban-ts-comment`. */
const suppression = /(?:^|\s)(?:eslint-disable(?:-next-line|-line)?|@effect-diagnostics(?:-next-line)?)\s/

/**
 * A check is switched off only with a reason behind `--`, and never for everything at once.
 *
 * @type {import("eslint").Rule.RuleModule}
 */
export const reasons = {
  meta: {
    type: "problem",
    schema: [],
    messages: {
      reason: "Say why this check is off: `-- reason`.",
      blanket: "Name the checks to switch off."
    }
  },
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          if (!comment.loc || !suppression.test(`${comment.value} `)) {
            continue
          }
          const [what = "", why = ""] = comment.value.split(/\s--\s/)
          if (why.trim().length < 10) {
            context.report({ loc: comment.loc, messageId: "reason" })
          }
          if (/eslint-disable\S*\s*$/.test(what) || /@effect-diagnostics\S*\s+\*/.test(what)) {
            context.report({ loc: comment.loc, messageId: "blanket" })
          }
        }
      }
    }
  }
}
