/** The next view of which it is true. */
export async function viewWhen<View>(
  views: AsyncIterator<View, unknown>,
  isTrue: (view: View) => boolean = () => true,
): Promise<View> {
  for (;;) {
    const next = await views.next();
    if (next.done === true) throw new Error("the views have ended");
    if (isTrue(next.value)) return next.value;
  }
}
