"""Models that look at pictures, for the services that have one; openvino and cv2 are loaded where they are used."""
