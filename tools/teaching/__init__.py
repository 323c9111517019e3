"""What a teacher needs, made from the lessons: slides, a handout, questions, a matrix, plans."""
