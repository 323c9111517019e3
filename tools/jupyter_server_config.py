"""JupyterLab's settings for the course; tools/launch_lab.py passes this file with --config."""

from tools.course_environment import REPOSITORY
from tools.lessons_on_disk import LessonsOnDisk
from tools.saved_widgets import forget_dead_widgets

c = get_config()  # type: ignore[name-defined]  # noqa: F821 - Jupyter defines it
c.ServerApp.contents_manager_class = LessonsOnDisk
c.ContentsManager.pre_save_hook = forget_dead_widgets

# A lesson needs no network, and its first sight should not be a question about news.
c.LabApp.app_settings_dir = str(REPOSITORY / "tools" / "jupyterlab_settings")
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
