"""The course: data sets, quizzes, tasks and experiments that the notebooks in notebooks/ share.

Nothing in the rest of stateviz imports it.
"""

from stateviz.course.bank import ask as ask
from stateviz.course.bank import score as score
from stateviz.course.counting import co2_model as co2_model
from stateviz.course.counting import counting_model as counting_model
from stateviz.course.data import co2_lanes as co2_lanes
from stateviz.course.data import digit_rows as digit_rows
from stateviz.course.data import draw_digit as draw_digit
from stateviz.course.data import load_co2 as load_co2
from stateviz.course.experiments import experiment as experiment
from stateviz.course.keras2 import keras2_data as keras2_data
from stateviz.course.keras2 import keras2_facts as keras2_facts
from stateviz.course.keras2 import keras2_weights as keras2_weights
from stateviz.course.keras2 import load_keras2 as load_keras2
from stateviz.course.keras2 import old_model as old_model
from stateviz.course.keras2 import try_calls as try_calls
from stateviz.course.notebook import WidgetCheck as WidgetCheck
from stateviz.course.notebook import folded as folded
from stateviz.course.notebook import quietly as quietly
from stateviz.course.panel import Experiment as Experiment
from stateviz.course.programs import question_program as question_program
from stateviz.course.question import play_question as play_question
from stateviz.course.quiz import Prediction as Prediction
from stateviz.course.tasks import check as check
