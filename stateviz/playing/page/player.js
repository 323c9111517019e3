// Repaints the data of a matplotlib figure, frame by frame, under the stage that matplotlib drew.
// For two hosts: an anywidget in a notebook, and a page without a kernel (../player.py), to which
// these modules go joined as one (../page.py).

import { mount } from "./mounting.js";

export default { render: mount };
