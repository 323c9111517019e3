"""What the notebooks share: data that ships with the package, and a quiet import."""

from stateviz.lessons.co2 import co2_lanes as co2_lanes
from stateviz.lessons.co2 import load_co2 as load_co2
from stateviz.lessons.counting import counting_model as counting_model
from stateviz.lessons.digits import digit_rows as digit_rows
from stateviz.lessons.digits import draw_digit as draw_digit
from stateviz.lessons.experiments import experiment as experiment
from stateviz.lessons.folding import folded as folded
from stateviz.lessons.keras2 import keras2_data as keras2_data
from stateviz.lessons.keras2 import keras2_facts as keras2_facts
from stateviz.lessons.keras2 import keras2_weights as keras2_weights
from stateviz.lessons.keras2 import load_keras2 as load_keras2
from stateviz.lessons.keras2 import old_model as old_model
from stateviz.lessons.keras2 import try_calls as try_calls
from stateviz.lessons.programs import question_program as question_program
from stateviz.lessons.question import play_question as play_question
from stateviz.lessons.questions import ask as ask
from stateviz.lessons.questions import score as score
from stateviz.lessons.quiet import quietly as quietly
from stateviz.lessons.tasks import check as check
from stateviz.lessons.widget_check import WidgetCheck as WidgetCheck
